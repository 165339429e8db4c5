"""A company's campaigns in PostgreSQL, and call lists written as bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from import_ledger import Ledger
from psycopg.conninfo import make_conninfo

from supervisor.database.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def lists_dsn(postgres: EmbeddedPostgres, template: str) -> str:
    """One database for all tests of this folder: to empty it takes a tenth of the time of making another."""
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE call_lists TEMPLATE {template}")
    return make_conninfo(postgres.dsn, dbname="call_lists")


@pytest.fixture
def dsn(lists_dsn: str) -> Iterator[str]:
    """The DSN of a database with the whole schema and nothing in it."""
    yield lists_dsn
    with psycopg.connect(lists_dsn, autocommit=True, options="-c lock_timeout=30000") as connection:
        connection.execute("TRUNCATE companies, do_not_call CASCADE")


@pytest.fixture
def ledger(dsn: str) -> Iterator[Ledger]:
    ledger = Ledger(dsn)
    with ledger.connection:
        yield ledger


@pytest.fixture
def list_of(tmp_path: Path) -> Callable[..., Path]:
    """Writes a call list and returns its path."""

    def write(content: str | bytes, name: str = "list.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
