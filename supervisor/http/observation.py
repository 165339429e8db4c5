"""What a monitoring system asks: metrics, health, readiness."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from aiohttp import web

from supervisor.http.answers import answer
from supervisor.http.shapes import HealthShape, ReadinessShape
from supervisor.metrics import Metrics


class Observation:
    """Handlers of `/metrics`, `/healthz` and `/readyz`."""

    def __init__(self, metrics: Metrics, is_ready: Callable[[], bool]) -> None:
        self._metrics = metrics
        self._is_ready = is_ready

    def routes(self) -> Iterable[web.RouteDef]:
        """Open to all."""
        return [
            web.get("/metrics", self._serve_metrics),
            web.get("/healthz", self._serve_health),
            web.get("/readyz", self._serve_readiness),
        ]

    async def _serve_metrics(self, request: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        body = await asyncio.to_thread(self._metrics.exposition)  # with many campaigns it takes long
        return web.Response(body=body, headers=headers)

    async def _serve_health(self, request: web.Request) -> web.Response:
        return answer(HealthShape(healthy=True))

    async def _serve_readiness(self, request: web.Request) -> web.Response:
        ready = self._is_ready()
        return answer(ReadinessShape(ready=ready), 200 if ready else 503)
