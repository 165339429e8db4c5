"""Looks again and again, for as long as somebody watches, whatever becomes of PostgreSQL meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import psycopg

from actors.errors import DatabaseError
from supervisor.config.load import ServiceConfiguration
from supervisor.database.connect import embedded_directory
from supervisor.database.embedded import running_server
from supervisor.database.migrations import check_schema
from supervisor.database.pool import PatientConnection, connection_string
from supervisor.overview import words
from supervisor.overview.reading import Reader
from supervisor.overview.screen import Screen

_PATIENCE_S = 10.0
"""What takes longer is taken for lost, so that a view never stands still without saying so."""


class Watch:
    """One watcher's eye on the database of a configuration. It starts no PostgreSQL: an embedded one is its service's,
    and is seen as soon as that runs."""

    def __init__(self, configuration: ServiceConfiguration, now: Callable[[], datetime]) -> None:
        self._configuration = configuration
        self._now = now
        self._reader = Reader()
        self._connection: PatientConnection | None = None
        self._screen = Screen()
        self._lost_at: datetime | None = None

    def look(self) -> Screen:
        """What is to be seen now; what was seen last, and why, while PostgreSQL can't be asked."""
        try:
            overview = self._reader.read(self._connected(), self._configuration.service, self._now())
        except (DatabaseError, psycopg.Error) as error:
            self.close()
            self._lost_at = self._lost_at or self._now()
            self._screen = replace(self._screen, lost=self._told(error))
        else:
            self._lost_at = None
            self._screen = Screen(overview)
        return self._screen

    def close(self) -> None:
        """Let go of the connection; the next look makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            dsn = self._configuration.service.database.dsn or running_server(embedded_directory(self._configuration))
            if dsn is None:
                raise DatabaseError("its service, which brings it, is not running")
            self._connection = PatientConnection.connect(connection_string(dsn, "campaignd watch"), autocommit=True)
            self._connection.patience_s = _PATIENCE_S
            check_schema(self._connection)
        return self._connection

    def _told(self, error: Exception) -> str:
        reason = " ".join(str(error).split())
        told = f"PostgreSQL can't be asked since {words.clock(self._lost_at)} UTC: {reason}"
        seen = self._screen.overview
        return told if seen is None else f"{told} (below: {words.clock(seen.now)})"
