"""One trunk: the limits that its campaigns share, and whose turn it is.

`actor.py` runs it; `turns.py` is the rule of fair turns; `ledger.py` is its SQL. Imported by `supervisor`; other
actors import only `messages`.
"""
