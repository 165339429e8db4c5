"""Which campaigns are worked here, and every campaign's status.

`actor.py` is the Roster; `lifecycle.py` is the rule of statuses and holds; `statuses.py` its SQL, used by commands and
HTTP too: a status changes in one place only. Imported by `supervisor`; other actors import only `messages`.
"""
