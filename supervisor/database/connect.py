"""The database that a configuration names: a DSN's, or the embedded one in the state directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo

from actors.errors import DatabaseError
from supervisor.config.load import ServiceConfiguration, load_service
from supervisor.database.migrations import check_schema, migrate
from supervisor.database.pool import connection_string
from supervisor.database.postmaster import SUPERUSER
from supervisor.database.roles import OWNER, SERVICE, become, set_up_roles

if TYPE_CHECKING:
    from supervisor.database.embedded import EmbeddedPostgres


@dataclass(frozen=True)
class Server:
    """The configuration's database, of whoever owns an embedded server."""

    dsn: str
    embedded: EmbeddedPostgres | None = None
    """None where the configuration names another; nobody but its owner starts it again when it has died."""


@contextmanager
def open_server(configuration: ServiceConfiguration) -> Iterator[Server]:
    """The configuration's database for as long as the block lasts: for the service, which owns an embedded server.
    Raises DatabaseError."""
    if configuration.service.database.dsn is not None:
        yield Server(configuration.service.database.dsn)
        return
    from supervisor.database.embedded import EmbeddedPostgres  # only where it is used

    with EmbeddedPostgres(embedded_directory(configuration)) as server:
        set_up_roles(server.dsn)
        yield Server(make_conninfo(server.dsn, user=SERVICE), server)


@contextmanager
def join_server(configuration: ServiceConfiguration) -> Iterator[str]:
    """The DSN of the same for a command, which uses the embedded server of a service that runs now, or else starts it
    for as long as the block lasts. Raises DatabaseError."""
    if configuration.service.database.dsn is None:
        from supervisor.database.embedded import running_server

        running = running_server(embedded_directory(configuration))
    else:
        running = None
    if running is not None:
        yield make_conninfo(running, user=SERVICE)
    else:
        with open_server(configuration) as server:
            yield server.dsn


@contextmanager
def open_connection(config: Path) -> Iterator[psycopg.Connection]:
    """A connection, in autocommit mode, to the database of the configuration in `config`, whose schema fits this code.

    For commands: campaigns' files are not looked at, so that one with a mistake stands in nobody's way. Raises
    ConfigurationError and DatabaseError.
    """
    configuration = load_service(config)
    with join_server(configuration) as dsn:
        prepare_schema(configuration, dsn)
        try:
            connection = psycopg.connect(connection_string(dsn, "campaignd command"), autocommit=True)
        except psycopg.Error as error:
            raise DatabaseError(f"PostgreSQL can't be reached: {error}") from error
        with connection:
            yield connection


def is_at_rest(configuration: ServiceConfiguration) -> bool:
    """Whether the configuration's database is an embedded one that nobody runs now: no service, then, works on it."""
    if configuration.service.database.dsn is not None:
        return False
    from supervisor.database.embedded import running_server

    return running_server(embedded_directory(configuration)) is None


def prepare_schema(configuration: ServiceConfiguration, dsn: str) -> None:
    """Apply migrations where this process may: RUN_MIGRATIONS=1, or the database is our own embedded one. Then raise
    DatabaseError unless the schema fits this code."""
    if configuration.service.database.dsn is None or os.environ.get("RUN_MIGRATIONS") == "1":
        migrate(migrator(configuration, dsn))
    check_schema(dsn)


def migrator(configuration: ServiceConfiguration, dsn: str) -> str:
    """The DSN by which the configuration's database, used by `dsn`, is migrated: in our own server the tables' owner's;
    of other servers the service does not know any but its own."""
    return become(make_conninfo(dsn, user=SUPERUSER), OWNER) if configuration.service.database.dsn is None else dsn


def embedded_directory(configuration: ServiceConfiguration) -> Path:
    """Where the embedded server keeps its data."""
    return configuration.state_directory / "postgresql"
