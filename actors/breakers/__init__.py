"""Circuit breakers: which of the services that calls need is failing, and when it is tried again.

`actor.py` runs them; `breaker.py` is the rule of one; `blame.py` says whose fault a call's end was; `watched.py`
is a service with its errors; `rows.py`, `ledger.py` keep them in PostgreSQL and `holds.py` pauses campaigns by them;
`probes.py` says how a service is probed, and `gateway.py` probes LiveKit and agents. Imported by
`supervisor`; other actors import only `messages`.
"""
