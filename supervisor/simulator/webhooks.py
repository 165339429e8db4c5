"""Webhooks: what happened, POSTed to the configured address, signed, in order within a room, tried again.

An event is dropped when it has waited over 30 s or when over 200 of its room are waiting, as LiveKit does.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections import Counter, deque
from dataclasses import dataclass

import aiohttp
import jwt
from google.protobuf.json_format import MessageToJson
from livekit.protocol.egress import EgressInfo
from livekit.protocol.models import ParticipantInfo, Room
from livekit.protocol.webhook import WebhookEvent

from .auth import hmac_key
from .knobs import Board
from .timeline import Timeline, new_id

RETRY_PAUSES_S = (1, 2, 4, 8)
OLDEST_S = 30.0
DEEPEST = 200
# Real seconds; a receiver is a program, not a person.
_ANSWER_WITHIN_S = 10.0
_CONNECTIONS = 100


@dataclass(frozen=True)
class _Queued:
    event: WebhookEvent
    # Real seconds, as time.monotonic() counts them: a simulator that plays time faster is no faster at sending.
    since: float

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.since


class Webhooks:
    """Sends events. Returns at once; each room (and each egress) has a queue of its own."""

    def __init__(self, timeline: Timeline, board: Board, api_key: str, api_secret: str) -> None:
        self._timeline = timeline
        self._board = board
        self._api_key = api_key
        self._key = hmac_key(api_secret)
        self._queues: dict[str, deque[_Queued]] = {}
        self._dropped: Counter[str] = Counter()
        self._session: aiohttp.ClientSession | None = None
        # delivered (each POST that was accepted), refused (given up), dropped.
        self.counts: Counter[str] = Counter()

    def room(self, event: str, room: Room, participant: ParticipantInfo | None = None) -> None:
        """Tell of a room, or of a participant in it; what is told is copied now."""
        if self._wanted():
            self._queue(room.name, WebhookEvent(event=event, room=room, participant=participant))

    def egress(self, event: str, info: EgressInfo) -> None:
        """Tell of an egress; not ordered against its room."""
        if self._wanted():
            self._queue(info.egress_id, WebhookEvent(event=event, egress_info=info))

    @property
    def pending(self) -> int:
        """How many events wait to be delivered."""
        return sum(map(len, self._queues.values()))

    async def close(self) -> None:
        """Close the connections; what is not delivered by now is lost."""
        self._queues.clear()
        if self._session is not None:
            await self._session.close()

    def _wanted(self) -> bool:
        knobs = self._board.knobs
        return knobs.webhook_url is not None and knobs.webhooks != "never"

    def _queue(self, key: str, event: WebhookEvent) -> None:
        event.id = new_id("EV_")
        event.created_at = self._timeline.seconds()
        queue = self._queues.get(key)
        if queue is not None and len(queue) >= DEEPEST:
            self._drop(key)
            return
        queued = _Queued(event, time.monotonic())
        if queue is None:
            self._queues[key] = deque((queued,))
            self._timeline.spawn(self._drain(key))
        else:
            queue.append(queued)

    def _drop(self, key: str) -> None:
        self._dropped[key] += 1
        self.counts["dropped"] += 1

    async def _drain(self, key: str) -> None:
        queue = self._queues[key]
        while queue:
            await self._deliver(key, queue[0])
            queue.popleft()
        del self._queues[key]

    async def _deliver(self, key: str, queued: _Queued) -> None:
        knobs = self._board.knobs
        if knobs.webhooks == "late":
            await self._timeline.sleep(knobs.webhooks_late_s - queued.age_s * self._timeline.speed)
        elif queued.age_s > OLDEST_S:
            self._drop(key)
            return
        queued.event.num_dropped = self._dropped.pop(key, 0)
        body = MessageToJson(queued.event, indent=None).encode()
        for _ in range(2 if knobs.webhooks == "twice" else 1):
            delivered = await self._send(body)
            self.counts["delivered" if delivered else "refused"] += 1

    async def _send(self, body: bytes) -> bool:
        for pause in (*RETRY_PAUSES_S, None):
            if await self._post(body):
                return True
            if pause is not None:
                await self._timeline.sleep(pause)
        return False

    async def _post(self, body: bytes) -> bool:
        """One attempt. True when it counts as delivered, which any answer but 5xx and 429 does."""
        url = self._board.knobs.webhook_url
        if url is None:
            return False
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_ANSWER_WITHIN_S, sock_read=_ANSWER_WITHIN_S),
            )
        headers = {
            "Authorization": self._signature(body),
            "Content-Type": "application/webhook+json",
            "User-Agent": "LiveKit",
        }
        try:
            async with self._session.post(url, data=body, headers=headers) as answer:
                return answer.status != 429 and answer.status < 500
        except (TimeoutError, aiohttp.ClientError, OSError):
            return False

    def _signature(self, body: bytes) -> str:
        # Real time, whatever the simulated time is: it is the receiver's clock that this is checked against.
        now = int(time.time())
        sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
        claims = {"iss": self._api_key, "nbf": now, "exp": now + 300, "sha256": sha256}
        return jwt.encode(claims, self._key, algorithm="HS256")
