"""LiveKit's webhooks: what it says of a call goes to that call's dialer."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

import structlog
from aiohttp import web
from livekit import api

from actors.addresses import RECORDING, Directory, dialer_address
from actors.dialer.webhooks import Event, read_event
from actors.recording.egress import EGRESS_ENDED, read_egress_end
from supervisor.http.problems import problem
from supervisor.metrics import Metrics


class Webhooks:
    """Checks each event's signature and passes it on; the answer waits for nobody."""

    def __init__(self, directory: Directory, metrics: Metrics, key: str, secret: str) -> None:
        self._directory = directory
        self._metrics = metrics
        self._tokens = api.TokenVerifier(key, secret)
        self._log = structlog.get_logger()

    def routes(self) -> Iterable[web.RouteDef]:
        """Open to all: an event carries LiveKit's own signature."""
        return [web.post("/webhooks/livekit", self._receive_webhook)]

    async def _receive_webhook(self, request: web.Request) -> web.Response:
        """What concerns no call that is up is taken and dropped, since every fact is also got by asking."""
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            return self._refuse_webhook(413, "too large", error.text or "")
        try:
            signed = self._tokens.verify(request.headers.get("Authorization", "")).sha256
        except Exception as error:  # noqa: BLE001 - whatever the client raises for what it can't verify
            return self._refuse_webhook(401, "unauthorized", str(error))
        # The signature is over the raw body, so what is verified must be what was sent, byte by byte.
        if signed != b64encode(sha256(body).digest()).decode():
            return self._refuse_webhook(401, "unauthorized", "the signature is not this body's")
        try:
            event = Event.model_validate_json(body)
            ended = read_egress_end(body) if event.event == EGRESS_ENDED else None
        except ValueError:  # which quotes what it can't read: numbers
            return self._refuse_webhook(400, "not an event", "signed, but not an event as LiveKit writes them")
        read = read_event(event)
        accepted = read is not None and self._directory.tell(dialer_address(read[0]), read[1])
        if ended is not None:
            accepted = self._directory.tell(RECORDING, ended)
        self._metrics.webhook("accepted" if accepted else "ignored")
        return web.json_response({"data": {"accepted": accepted}})

    def _refuse_webhook(self, status: int, error: str, reason: str) -> web.Response:
        self._metrics.webhook("refused")
        self._log.warning("webhook_refused", reason=reason)
        return problem(status, error, reason)
