"""Leads: the people a company knows.

`importing.py` makes leads of a call list, by the reader and the rules of call lists; `entries.py` is their SQL for
listing and exporting. What changes many of them is a background job (`actors.jobs`). Imported by `supervisor.commands`.
"""
