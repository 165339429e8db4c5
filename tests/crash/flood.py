"""A flood of webhooks, with the true ones somewhere in it."""

from __future__ import annotations

import base64
import hashlib
import http.client
import random
import threading
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from google.protobuf.json_format import MessageToJson, Parse
from livekit import api
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.webhook import WebhookEvent

from actors.call import ROOM_PREFIX

Webhook = tuple[bytes, str]
"""The body, and its signature."""
LOSES_EVERY = 5
_POSTERS = 4
_WITHIN_S = 20.0


class Flood:
    """Stands between LiveKit and the service at `address`. A context manager; `url` is where it listens.

    A true webhook is passed on in its turn, those of one room in their order, others overtaking; of every fifth room it
    loses the one that says that the callee has left. `pour` posts so many webhooks as fast as it can: true ones that
    wait, true ones once more, and ones about rooms and calls that nobody knows.
    """

    def __init__(self, address: str, key: str, secret: str) -> None:
        self._address = urlsplit(address)
        self._key, self._secret = key, secret
        self._lock = threading.Lock()
        self._random = random.Random(7)
        self._waiting: dict[str, deque[Webhook]] = {}  # room → its webhooks, in their order
        self._busy: set[str | None] = set()  # rooms of which one is being posted
        self._passed: list[Webhook] = []
        self._rooms: list[str] = []
        self._made = [self._make(number) for number in range(400)]
        self.lost = 0
        self.statuses: Counter[int] = Counter()
        flood = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                flood._take(body, self.headers["Authorization"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Flood:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def pour(self, count: int) -> None:
        """Returns when each has been answered; the answers are counted in `statuses`."""
        posters = [threading.Thread(target=self._post, args=(count // _POSTERS,)) for _ in range(_POSTERS)]
        for poster in posters:
            poster.start()
        for poster in posters:
            poster.join()

    def _post(self, count: int) -> None:
        connection = http.client.HTTPConnection(self._address.netloc, timeout=_WITHIN_S)
        for _ in range(count):
            room, (body, signature) = self._next()
            headers = {"Authorization": signature, "Content-Type": "application/webhook+json"}
            connection.request("POST", self._address.path, body, headers)
            answer = connection.getresponse()
            answer.read()
            with self._lock:
                self.statuses[answer.status] += 1
                self._busy.discard(room)
        connection.close()

    def _next(self) -> tuple[str | None, Webhook]:
        with self._lock:
            rooms = [room for room, webhooks in self._waiting.items() if webhooks and room not in self._busy]
            if rooms:
                room = self._random.choice(rooms)
                self._busy.add(room)
                webhook = self._waiting[room].popleft()
                self._passed.append(webhook)
                return room, webhook
            return None, self._random.choice([*self._passed[-200:], *self._made])

    def _take(self, body: bytes, signature: str) -> None:
        event = Parse(body.decode(), WebhookEvent(), ignore_unknown_fields=True)
        room = event.room.name
        with self._lock:
            if room not in self._rooms:
                self._rooms.append(room)
            callee_left = event.event == "participant_left" and event.participant.kind == ParticipantInfo.Kind.SIP
            if callee_left and self._rooms.index(room) % LOSES_EVERY == 0:
                self.lost += 1
            else:
                self._waiting.setdefault(room, deque()).append((body, signature))

    def _make(self, number: int) -> Webhook:
        """About a room, or a call, that nobody knows."""
        room = f"{ROOM_PREFIX}{uuid4()}" if number % 2 else f"{ROOM_PREFIX if number % 4 else ''}not-a-call-{number}"
        names = ("room_started", "participant_joined", "participant_left", "room_finished", "track_published")
        event = WebhookEvent(event=names[number % len(names)], id=f"EV_{number}")
        event.room.name = room
        event.participant.identity = "somebody"
        body = MessageToJson(event, indent=None).encode()
        sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
        return body, api.AccessToken(self._key, self._secret).with_sha256(sha256).to_jwt()
