"""The state of the circuit breakers over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aiohttp import web

from supervisor.breakers import read_breakers, services_of
from supervisor.config.load import Snapshot
from supervisor.http.answers import answer
from supervisor.http.database import Database
from supervisor.http.shapes import BreakerShape


class Breakers:
    """Handlers of `/queue-management`."""

    def __init__(self, database: Database, snapshot: Callable[[], Snapshot]) -> None:
        self._database = database
        self._snapshot = snapshot

    def routes(self) -> Iterable[web.RouteDef]:
        """Protected."""
        return [web.get("/queue-management/status", self._show)]

    async def _show(self, request: web.Request) -> web.Response:
        services = services_of(self._snapshot().service)
        rows = await self._database.run(lambda connection: read_breakers(connection, services))
        shapes = {row.service: BreakerShape(circuit_state=row.state, pause_info=row.pause_info) for row in rows}
        return answer(shapes)
