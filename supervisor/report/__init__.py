"""How campaigns went: read from PostgreSQL, which computes it, and written as tables, JSON, CSV, workbooks and Parquet.

May be imported by `supervisor.commands` and the demo; imports `actors.outcomes` and `actors.errors`, nothing of the
running service. Only reads.
"""
