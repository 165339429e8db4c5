"""The way to the database for a command: the configured one, the running service's own, or our own for the moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from supervisor.database.embedded import EmbeddedPostgres, running_server


def embedded_folder(state_directory: Path) -> Path:
    """Where the embedded PostgreSQL of a service lives."""
    return state_directory / "postgres"


@contextmanager
def reach_database(dsn: str | None, state_directory: Path) -> Iterator[str]:
    """A DSN that works for the length of the block.

    `dsn` itself when there is one; else the embedded server, which is started, and stopped afterwards, unless some
    process runs it already. Meant for commands: the service owns its EmbeddedPostgres. Raises DatabaseError.
    """
    running = dsn or running_server(embedded_folder(state_directory))
    if running is not None:
        yield running
        return
    with EmbeddedPostgres(embedded_folder(state_directory)) as server:
        yield server.dsn
