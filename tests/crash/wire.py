"""The way to PostgreSQL, which can fail as networks do."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from supervisor.tree.loop import LoopThread

_WITHIN_S = 10.0
_AT_ONCE = 1 << 16


class _Link:
    """One connection, from the client to PostgreSQL's socket."""

    def __init__(self, near: asyncio.StreamWriter) -> None:
        self.near = near
        self.flows = asyncio.Event()
        self.far: asyncio.StreamWriter | None = None

    def cut(self) -> None:
        for side in (self.near, self.far):
            if side is not None:
                side.transport.abort()


class Wire:
    """Listens on a port of 127.0.0.1 and passes on what comes to the PostgreSQL of `dsn`, whose socket is a file. A
    context manager; `dsn` is then the way through it. Usable from any thread."""

    def __init__(self, dsn: str) -> None:
        given = conninfo_to_dict(dsn)
        self._target = f"{given['host']}/.s.PGSQL.{given.get('port', 5432)}"
        self._direct = dsn
        self._loop = LoopThread(lambda error: None)
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._holds = False
        self._port = 0

    def __enter__(self) -> Wire:
        self._loop.start()
        self._loop.run(self._listen(), _WITHIN_S)
        self.dsn = make_conninfo(self._direct, host="127.0.0.1", port=self._port)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run(self._close(), _WITHIN_S)
        self._loop.stop()

    def refuse(self) -> None:
        """Connections are lost, new ones refused, until `restore`."""
        self._loop.run(self._refuse(), _WITHIN_S)

    def hold(self) -> None:
        """Nothing passes any more; nobody is told. New connections are taken, and hang like the old ones."""
        self._loop.run(self._hold(), _WITHIN_S)

    def restore(self) -> None:
        """All is well again; what was held passes now."""
        self._loop.run(self._restore(), _WITHIN_S)

    def cut(self) -> None:
        """Every connection is lost; new ones are taken."""
        self._loop.run(self._cut(), _WITHIN_S)

    def bury(self) -> None:
        """Nothing will ever pass through the present connections again, and neither side is told; new ones work."""
        self._loop.run(self._bury(), _WITHIN_S)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, backlog=1024)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        self._server.close()
        await self._cut()

    async def _hold(self) -> None:
        self._holds = True
        for link in self._links:
            link.flows.clear()

    async def _restore(self) -> None:
        self._holds = False
        for link in self._links:
            link.flows.set()
        if not self._server.is_serving():
            await self._listen()

    async def _cut(self) -> None:
        for link in self._links:
            link.cut()

    async def _bury(self) -> None:
        for link in self._links:
            link.flows = asyncio.Event()

    async def _close(self) -> None:
        self._server.close()
        await self._cut()
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        link = _Link(near)
        if not self._holds:
            link.flows.set()
        self._links.add(link)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await link.flows.wait()
                answers, link.far = await asyncio.open_unix_connection(self._target)
                await asyncio.gather(_pass_on(link, reader, link.far), _pass_on(link, answers, near))
        finally:
            link.cut()
            self._links.discard(link)
            self._tasks.discard(task)


async def _pass_on(link: _Link, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while data := await source.read(_AT_ONCE):
        await link.flows.wait()
        to.write(data)
        await to.drain()
    link.cut()  # one side has left: so does the other
