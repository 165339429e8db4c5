"""Reading several things as they were at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg


@contextmanager
def snapshot(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """All statements of the block see the database at one moment, and write nothing. `connection` is in autocommit
    mode, as a command's is."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
