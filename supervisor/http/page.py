"""The page to look at: what goes on now, for a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import psycopg
import structlog
from aiohttp import web

from supervisor.config.load import Snapshot
from supervisor.http.database import Database
from supervisor.overview.reading import Reader


class Page:
    """Handler of `/`: the same as `campaignd status --watch`, as HTML that asks for nothing else."""

    def __init__(self, database: Database, snapshot: Callable[[], Snapshot], now: Callable[[], datetime]) -> None:
        self._database = database
        self._snapshot = snapshot
        self._now = now
        self._reader = Reader()

    def routes(self) -> Iterable[web.RouteDef]:
        """For browsers."""
        return [web.get("/", self._show)]

    async def _show(self, request: web.Request) -> web.Response:
        try:
            status, text, headers = 200, *await self._database.run(self._made)
        except psycopg.Error as error:
            structlog.get_logger().warning("page_without_database", error=" ".join(str(error).split()))
            status, text, headers = 503, *_without_database(error)
        return web.Response(status=status, text=text, content_type="text/html", headers=headers)

    def _made(self, connection: psycopg.Connection) -> tuple[str, dict[str, str]]:
        # Imported with the first look: a service that nobody looks at starts without templates.
        from supervisor.overview.page import HEADERS, render

        return render(self._reader.read(connection, self._snapshot().service, self._now())), HEADERS


def _without_database(error: psycopg.Error) -> tuple[str, dict[str, str]]:
    from supervisor.overview.page import HEADERS, render_unavailable

    return render_unavailable(type(error).__name__), HEADERS
