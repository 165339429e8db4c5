"""Everything that runs concurrently: a folder for each kind of actor, holding the actor and what it owns.

May be imported by `supervisor`; never imports it. A folder's insides are its own: other folders see only its
`messages.py`. At this level stands what every actor shares: the base class, addresses, the call, clock, limiter,
errors, where their statements are.
"""
