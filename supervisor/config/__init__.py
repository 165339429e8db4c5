"""Configuration: the two kinds of files, their models, how they are read and checked, and brought to the database.

`load.py` is the way in; `service.py`, `campaign.py` and `values.py` say what may stand in the files, `together.py` what
must fit across them, `problems.py` and `explain.py` how a mistake is told, `secrets.py` what never stands in them,
`schema.py` what editors complete from, `samples.py` what ships, `apply.py` what a valid snapshot changes.
Imported by `supervisor` only.
"""
