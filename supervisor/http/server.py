"""The HTTP server: listens, and has every request pass what all requests pass."""

from __future__ import annotations

import asyncio

from aiohttp import web

from actors.errors import CampaignServiceError
from supervisor.http.authorization import bearer_token
from supervisor.http.interface import Interface
from supervisor.http.limits import CONNECTION, Connection, bound_headers
from supervisor.http.problems import answer_problems

LARGEST_BODY = 1 << 20
"""Bytes of a body that is read as a whole."""
IDLE_TIMEOUT_S = 75.0
"""So long a connection may stay without a request, and the head of one may take to arrive."""
_FINISH_TIMEOUT_S = 2.0


class HttpServer:
    """Serves on one address from `start` to `stop`, both on the loop. Handlers only pass messages on, so that an
    answer never waits for an actor."""

    def __init__(self, *, host: str, port: int, token: str | None, interface: Interface) -> None:
        """Without a `token` nobody may ask what is not open to all."""
        self._host, self._port = host, port
        self._token = token
        self._interface = interface

    async def start(self) -> str:
        """Listen; returns the URL. Raises CampaignServiceError when the address can't be had."""
        open_routes = self._interface.open_routes()
        browser_routes = self._interface.browser_routes()
        paths = ({route.path for route in routes} for routes in (open_routes, browser_routes))
        app = web.Application(
            client_max_size=LARGEST_BODY,
            middlewares=[answer_problems, bound_headers, bearer_token(self._token, *paths)],
        )
        app.add_routes([*open_routes, *browser_routes, *self._interface.protected_routes()])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_FINISH_TIMEOUT_S)
        await self._runner.setup()
        try:
            self._listening = await asyncio.get_running_loop().create_server(self._connect, self._host, self._port)
        except OSError as error:
            await self._runner.cleanup()
            raise CampaignServiceError(f"can't listen on {self._host}:{self._port}: {error.strerror}") from error
        host, port = self._listening.sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def stop(self) -> None:
        """Close the address, finish the requests under way; what takes long is undone."""
        self._listening.close()
        await self._interface.database.close()
        await self._runner.cleanup()

    def _connect(self) -> Connection:
        assert self._runner.server is not None  # set up before anybody can connect
        loop = asyncio.get_running_loop()
        return Connection(self._runner.server, loop=loop, keepalive_timeout=IDLE_TIMEOUT_S, **CONNECTION)
