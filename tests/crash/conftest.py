"""Databases by the dozen, for scenes that run side by side: most of their time they wait."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from supervisor.database.embedded import EmbeddedPostgres
from tests.crash.witness import add_witness

_numbers = itertools.count(1)

MakeDatabase = Callable[[], str]


@pytest.fixture(scope="session")
def make_database(postgres: EmbeddedPostgres, template: str) -> Iterator[MakeDatabase]:
    """Makes a fresh database, with a witness in it, and says its DSN; from any thread."""
    with ExitStack() as closing:

        def make() -> str:
            name = f"crash_{next(_numbers)}"
            with psycopg.connect(postgres.dsn, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
            closing.callback(_drop, postgres.dsn, name)
            dsn = make_conninfo(postgres.dsn, dbname=name)
            add_witness(dsn)
            return dsn

        yield make


def _drop(dsn: str, name: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
