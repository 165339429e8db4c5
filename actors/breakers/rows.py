"""The breakers' way to PostgreSQL and back: what was decided here is written, what others have decided is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from psycopg import Connection
from psycopg_pool import ConnectionPool

from actors.actor import OUTAGE
from actors.breakers import holds, ledger
from actors.breakers.ledger import BreakerRow
from actors.breakers.watched import Watched

WITHIN_S = 1.0
"""How long a connection to PostgreSQL is waited for: what was decided holds without it."""
T = TypeVar("T")


class Rows:
    """Of the breakers of one actor. `take` is called with a row that another process has written."""

    def __init__(self, pool: ConnectionPool, log: Any, take: Callable[[BreakerRow], None]) -> None:
        self._pool = pool
        self._log = log
        self._take = take
        self.unwritten: set[str] = set()
        """Services whose rows are to be written."""

    def read(self, query: Callable[[Connection], T]) -> T | None:
        """What it answers; None, too, while PostgreSQL is away."""
        try:
            with self._pool.connection(WITHIN_S) as connection:
                return query(connection)
        except OUTAGE as error:
            self._log.warning("breaker_not_read", error=str(error))
            return None

    def follow(self, services: Mapping[str, Watched]) -> None:
        """Take what other processes have decided since."""
        for row in self.read(ledger.read) or ():
            watched = services.get(row.service)
            if watched is None or watched.stored is None or row.generation > watched.stored:
                self._take(row)

    def save(self, services: Mapping[str, Watched], now: datetime) -> bool:
        """Write what is to be written, and hold and let go of campaigns by it; False: PostgreSQL is away."""
        try:
            with self._pool.connection(WITHIN_S) as connection:
                for service in sorted(self.unwritten):
                    self._write(connection, services[service], now)
                held, lifted = holds.align(connection, now)
        except OUTAGE as error:
            self._log.warning("breakers_not_written", services=sorted(self.unwritten), error=str(error))
            return False
        if held or lifted:
            self._log.info("campaigns_follow_breakers", held=held, let_go=lifted)
        return True

    def _write(self, connection: Connection, watched: Watched, now: datetime) -> None:
        row = watched.row()
        with connection.transaction():
            written = ledger.write(connection, row, watched.stored, now)
            other = None if written else ledger.read_one(connection, watched.service)
        if other is not None:
            self._take(other)
        else:
            # Not written, and no other's there: somebody has deleted the row, and it is written anew at the pulse.
            watched.stored = row.generation if written else None
        self.unwritten.discard(watched.service)
