"""LiveKit's webhooks: what it says of a call goes to that call's dialer."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from aiohttp import web
from livekit import api

from actors.addresses import RECORDING, Directory, dialer_address
from actors.dialer.webhooks import read_event
from actors.recording.egress import read_egress_event
from supervisor.http.problems import problem
from supervisor.metrics import Metrics


class Webhooks:
    """Checks each event's signature and passes it on; the answer waits for nobody."""

    def __init__(self, directory: Directory, metrics: Metrics, key: str, secret: str) -> None:
        self._directory = directory
        self._metrics = metrics
        self._receiver = api.WebhookReceiver(api.TokenVerifier(key, secret))
        self._log = structlog.get_logger()

    def routes(self) -> Iterable[web.RouteDef]:
        """Open to all: an event carries LiveKit's own signature."""
        return [web.post("/webhooks/livekit", self._receive_webhook)]

    async def _receive_webhook(self, request: web.Request) -> web.Response:
        """What concerns no call that is up is taken and dropped, since every fact is also got by asking."""
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
        if ended := read_egress_event(event):
            accepted = self._directory.tell(RECORDING, ended)
        self._metrics.webhook("accepted" if accepted else "ignored")
        return web.json_response({"data": {"accepted": accepted}})

    def _refuse_webhook(self, status: int, error: str, reason: str) -> web.Response:
        self._metrics.webhook("refused")
        self._log.warning("webhook_refused", reason=reason)
        return problem(status, error, reason)
