"""Do-not-call: numbers that one company, or nobody, may call.

`entries.py` is the SQL of the list, `numbers.py` reads numbers as people and files give them. A number is checked when
a list is imported and again when its task is claimed: this folder only keeps the list. Imported by
`supervisor.commands`.
"""
