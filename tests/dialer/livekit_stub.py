"""A server that keeps what it is asked, and answers exactly what a test wants: also what no LiveKit would."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from livekit import api


@dataclass(frozen=True)
class Canned:
    """An answer, byte by byte."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/protobuf"


@dataclass
class Stub:
    """`answers`: method → what it answers; others answer an empty message."""

    answers: dict[str, Canned] = field(default_factory=dict)
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    url: str = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/twirp/{service}/{method}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def asked(self, method: str, kind: type[Any]) -> Any:
        """The one request of this method."""
        (body,) = [body for name, body in self.requests if name == method]
        return kind.FromString(body)

    @property
    def dials(self) -> list[Any]:
        return [
            api.CreateSIPParticipantRequest.FromString(body)
            for name, body in self.requests
            if name == "CreateSIPParticipant"
        ]

    async def _serve(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        self.requests.append((method, await request.read()))
        canned = self.answers.get(method, Canned())
        return web.Response(status=canned.status, body=canned.body, content_type=canned.content_type)
