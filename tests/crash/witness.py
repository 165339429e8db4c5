"""A witness in the database: who wrote to a campaign while it was another's."""

from __future__ import annotations

from pathlib import Path

import psycopg


def add_witness(dsn: str) -> None:
    """From now on this database knows who trespasses."""
    with psycopg.connect(dsn) as connection:
        connection.execute(Path(__file__).with_name("witness.sql").read_bytes())
