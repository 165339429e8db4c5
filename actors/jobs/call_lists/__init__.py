"""Call lists: a file of contacts becomes call tasks of a campaign, each bad row a reason.

A file's format ends at `rows.py` (a reader for CSV, one for workbooks, which works in a process of its own:
`workbook.py` is our side of it, `workbook_process.py` that one's); `columns.py` and `contacts.py` are the rules,
without clock, database or files; `importing.py` carries the rows to PostgreSQL, `ledger.py` is its SQL, `rejects.py`
keeps the rows that gave no contact. Imported by `supervisor` and by the jobs; imports from `actors` only what lies at
its top level.
"""
