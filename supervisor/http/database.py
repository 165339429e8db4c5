"""PostgreSQL for handlers: in a few threads of their own, so that the loop never waits, and actors always find a
connection in the pool."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg
from psycopg_pool import ConnectionPool

from supervisor.database.pool import connection_string
from supervisor.http.problems import RequestError

T = TypeVar("T")

_AT_ONCE = 4
_LONG_AT_ONCE = 2
_GET_TIMEOUT_S = 5.0
_CANCEL_TIMEOUT_S = 2.0


class Database:
    """Does handlers' work with connections; `close` once, on the loop as the rest."""

    def __init__(self, pool: ConnectionPool, dsn: str) -> None:
        self._pool = pool
        self._dsn = dsn
        # Half of the connections stay for the actors, whatever is asked here.
        self._threads = ThreadPoolExecutor(min(_AT_ONCE, max(pool.max_size // 2, 1)), "http")
        self._long_threads = ThreadPoolExecutor(_LONG_AT_ONCE, "http-long")
        self._under_way: set[psycopg.Connection] = set()
        self._closing = threading.Event()

    async def run(self, work: Callable[[psycopg.Connection], T]) -> T:
        """What `work` returns, done in one transaction of a pooled connection. Raises what it raises, and
        psycopg.Error."""
        self.go_on()

        def with_connection() -> T:
            with self._pool.connection(_GET_TIMEOUT_S) as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._threads, with_connection)

    async def run_long(self, work: Callable[[psycopg.Connection], T]) -> T:
        """The same for work of minutes, with a connection of its own, in autocommit mode and without limits of time. It
        waits while other such work is being done. Cancelled at `close`."""
        self.go_on()

        def with_connection() -> T:
            dsn = connection_string(self._dsn, "campaignd http")
            with psycopg.connect(dsn, autocommit=True) as connection:
                self._under_way.add(connection)
                try:
                    self.go_on()  # it may have been asked to stop while it connected
                    return work(connection)
                finally:
                    self._under_way.discard(connection)

        return await asyncio.get_running_loop().run_in_executor(self._long_threads, with_connection)

    def go_on(self) -> None:
        """For long work between its steps, in whatever thread: raises RequestError when the server stops."""
        if self._closing.is_set():
            raise RequestError(503, "The service is stopping", "nothing was done: ask again later")

    async def close(self) -> None:
        """Begin nothing any more, and have PostgreSQL cancel what is under way: it is undone."""
        self._closing.set()
        for threads in (self._threads, self._long_threads):
            threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.gather(*(asyncio.to_thread(_cancel, connection) for connection in set(self._under_way)))


def _cancel(connection: psycopg.Connection) -> None:
    try:
        connection.cancel_safe(timeout=_CANCEL_TIMEOUT_S)
    except psycopg.Error:
        return  # it can't be reached: then its work has failed, or will at its own next word
