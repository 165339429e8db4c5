"""Where a call is dialed: one dialer actor for each call, Calls that starts and finds them, LiveKit's gateway.

`actor.py` is the dialer, `calls.py` its parent, `gateway.py` talks to LiveKit, `answers.py` turns LiveKit's answers
into outcomes, `webhooks.py` LiveKit's events into messages, `ledger.py` is the SQL. Imported by `supervisor`; other
actors import only `messages`.
"""
