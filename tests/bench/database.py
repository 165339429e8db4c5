"""The PostgreSQL that benchmarks use: the product's own embedded one, as durable as in production."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from supervisor.database.account import temporary_folder
from supervisor.database.embedded import EmbeddedPostgres
from supervisor.database.migrations import migrate
from tests.world import TUESDAY


@contextmanager
def server() -> Iterator[tuple[str, Path]]:
    """A server for as long as the block lasts: its DSN, and a folder for whatever else is needed."""
    with temporary_folder() as folder, EmbeddedPostgres(folder / "postgresql") as started:
        yield started.dsn, folder


def new_database(dsn: str, name: str, *, migrated: bool = True) -> str:
    """The DSN of a new database on this server, with the product's schema or empty."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    made = make_conninfo(dsn, dbname=name)
    if migrated:
        migrate(made)
    return made


def drop_database(dsn: str, name: str) -> None:
    """Whoever is still connected to it is thrown out."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def settle_down(dsn: str) -> None:
    """As a database is that has been used for a while: vacuumed, analysed, and nothing waiting to be written."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


@contextmanager
def in_bulk(connection: psycopg.Connection) -> Iterator[None]:
    """Tasks that are written within come without triggers, and their indexes after them: millions in a minute."""
    keyed = " FROM pg_indexes WHERE tablename = 'call_tasks' AND indexname <> 'call_tasks_pkey'"
    indexes = connection.execute("SELECT indexname, indexdef" + keyed).fetchall()
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    connection.execute("SET session_replication_role = replica")
    yield
    connection.execute("RESET session_replication_role")
    for _, definition in indexes:
        connection.execute(definition)


def add_tasks(connection: psycopg.Connection, campaign: UUID, count: int, *, after: int = 0) -> None:
    """So many pending tasks, as an import leaves them; `after`: how many it has got from here already."""
    connection.execute(
        "INSERT INTO call_tasks (id, campaign_id, phone_number, contact_name, contact_data, created_at, updated_at)"
        " SELECT uuidv7(), %(campaign)s, '+7' || 9000000000 + n, 'Contact ' || n,"
        "        jsonb_build_object('company', n %% 1000), %(now)s + n * interval '1 us', %(now)s"
        " FROM generate_series(%(after)s + 1, %(after)s + %(count)s) n",
        {"campaign": campaign, "after": after, "count": count, "now": TUESDAY},
    )
    connection.execute("UPDATE campaigns SET total_tasks = total_tasks + %s WHERE id = %s", (count, campaign))
