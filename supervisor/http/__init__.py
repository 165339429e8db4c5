"""The HTTP interface (operations.md, "HTTP"), on the event loop; it tells actors by messages and never waits for one.

`server.py` listens, `interface.py` puts together what is served and who may ask it; each resource has a module with its
handlers; `shapes.py` has the shapes of answers, `problems.py` what is answered when something is wrong, `openapi.py`
the description of it all; `database.py` keeps PostgreSQL off the loop. Imported by `supervisor.service` only.
"""
