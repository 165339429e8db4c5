"""The process's PostgreSQL: the embedded server, the migrations and the schema's version. SQL of an actor is not here.

May be imported by the rest of `supervisor` and by tests; imports only `actors.errors` and `supervisor.shipped`.
"""
