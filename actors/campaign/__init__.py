"""One campaign while it is active: what may be dialed now, which tasks come next, what became of them.

`actor.py` runs it; `limiter` (in `actors`), `schedule.py` and `retry.py` are its rules; `ledger.py` is its SQL.
Imported by `supervisor`; other actors import only `messages`.
"""
