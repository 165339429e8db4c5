"""The process's PostgreSQL: the embedded server, the migrations and the schema's version, and how it is reached. SQL of
an actor is not here.

May be imported by the rest of `supervisor` and by tests; imports `supervisor.config`, to know which database is meant,
`actors.errors`, `actors.statements` and `supervisor.shipped`.
"""
