"""The HTTP server: metrics, health, and LiveKit's webhooks."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from aiohttp import web
from livekit import api

from actors.addresses import Directory, dialer_address
from actors.dialer.webhooks import read_event
from actors.errors import CampaignServiceError
from supervisor.metrics import Metrics

_LARGEST_BODY = 1 << 20


class HttpServer:
    """Serves on one address from `start` to `stop`, both on the loop. Handlers only pass messages on, so that an
    answer never waits for an actor."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        directory: Directory,
        metrics: Metrics,
        webhook_key: str,
        webhook_secret: str,
        is_ready: Callable[[], bool],
    ) -> None:
        self._host, self._port = host, port
        self._directory = directory
        self._metrics = metrics
        self._receiver = api.WebhookReceiver(api.TokenVerifier(webhook_key, webhook_secret))
        self._is_ready = is_ready
        self._log = structlog.get_logger()

    async def start(self) -> str:
        """Listen; returns the URL. Raises CampaignServiceError when the address can't be had."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.add_routes(
            [
                web.get("/metrics", self._serve_metrics),
                web.get("/healthz", self._serve_health),
                web.get("/readyz", self._serve_readiness),
                web.post("/webhooks/livekit", self._receive_webhook),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise CampaignServiceError(f"can't listen on {self._host}:{self._port}: {error.strerror}") from error
        host, port = self._runner.addresses[0][:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def stop(self) -> None:
        """Finish the requests under way and close the address."""
        await self._runner.cleanup()

    async def _serve_metrics(self, request: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self._metrics.exposition(), headers=headers)

    async def _serve_health(self, request: web.Request) -> web.Response:
        return web.json_response({"data": {"healthy": True}})

    async def _serve_readiness(self, request: web.Request) -> web.Response:
        ready = self._is_ready()
        return web.json_response({"data": {"ready": ready}}, status=200 if ready else 503)

    async def _receive_webhook(self, request: web.Request) -> web.Response:
        """What LiveKit says of a call goes to its dialer; what concerns none is taken and dropped, since every fact
        is also got by asking."""
        try:
            body = (await request.read()).decode()
        except web.HTTPRequestEntityTooLarge as error:
            return self._refuse_webhook(413, "too large", error.text or "")
        except UnicodeDecodeError as error:
            return self._refuse_webhook(400, "not UTF-8", str(error))
        try:
            # The signature is over the raw body, so what is verified must be what was sent, byte by byte.
            event = self._receiver.receive(body, request.headers.get("Authorization", ""))
        except Exception as error:  # noqa: BLE001 - the receiver raises bare Exceptions for a wrong signature
            return self._refuse_webhook(401, "unauthorized", str(error))
        read = read_event(event)
        accepted = read is not None and self._directory.tell(dialer_address(read[0]), read[1])
        self._metrics.webhook("accepted" if accepted else "ignored")
        return web.json_response({"data": {"accepted": accepted}})

    def _refuse_webhook(self, status: int, error: str, reason: str) -> web.Response:
        self._metrics.webhook("refused")
        self._log.warning("webhook_refused", reason=reason)
        return web.json_response({"error": error, "details": reason}, status=status)
