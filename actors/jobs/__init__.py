"""Work beside calling: background jobs, and call lists (`call_lists/`).

Imported by `supervisor`; other actors import only `messages`.
"""
