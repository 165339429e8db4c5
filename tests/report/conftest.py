from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ledger
import psycopg
import pytest


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """To a database that holds the ledger of ledger.py; in autocommit mode, as a command's connection."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        ledger.fill(connection)
        yield connection
