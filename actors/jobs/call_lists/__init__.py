"""Call lists: a file of contacts becomes call tasks of a campaign, each bad row a reason.

A file's format ends at `rows.py` (one reader for each); `columns.py` and `contacts.py` are the rules, without clock,
database or files; `importing.py` carries the rows to PostgreSQL, `ledger.py` is its SQL. Imported by `supervisor` and
by the jobs; imports from `actors` only what lies at its top level.
"""
