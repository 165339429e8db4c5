"""The service's HTTP interface, over a real socket: LiveKit's webhooks, metrics, health."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from google.protobuf.json_format import MessageToJson
from livekit.protocol.models import ParticipantInfo, Room
from livekit.protocol.webhook import WebhookEvent

from actors.dialer.messages import ParticipantLeft, RoomFinished
from actors.errors import CampaignServiceError
from supervisor.tree.loop import LoopThread
from tests.dialer.mailbox import a_call, mailbox
from tests.http.site import Site
from tests.world import KEY, SECRET

CALL = a_call("+79450000042")


# LiveKit's webhooks


def sign(body: bytes, *, key: str = KEY, secret: str = SECRET, age_s: int = 0, **claims: Any) -> str:
    """The Authorization header as LiveKit makes it: a JWT without "Bearer"."""
    now = int(time.time()) - age_s
    sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return jwt.encode({"iss": key, "nbf": now, "exp": now + 300, "sha256": sha256, **claims}, secret, "HS256")


def event(name: str, room: str = CALL.room, **fields: Any) -> bytes:
    return MessageToJson(WebhookEvent(event=name, id="EV_1", room=Room(name=room), **fields)).encode()


FINISHED = event("room_finished")


def test_a_signed_event_reaches_the_dialer_of_its_call(site: Site) -> None:
    dialer = mailbox(site.directory, CALL.call_id)
    left = event("participant_left", participant=ParticipantInfo(identity=CALL.identity, name="Анна"))
    answer = site.webhook(left, sign(left))
    assert (answer.status, answer.json) == (200, {"data": {"accepted": True}})
    assert dialer.next(ParticipantLeft).participant.identity == CALL.identity
    assert site.webhook(FINISHED, sign(FINISHED)).status == 200
    dialer.next(RoomFinished)
    assert (site.counted("accepted"), site.counted("ignored"), site.counted("refused")) == (2, 0, 0)


@pytest.mark.parametrize(
    "body",
    [
        FINISHED,  # of a call that is over: its dialer is gone
        event("room_finished", room="lobby"),
        event("room_finished", room="campaignd-lobby"),
        event("egress_ended", room=""),
        event("an_event_of_next_year"),
        json.dumps({"event": "room_finished", "room": {"name": CALL.room, "newField": [1]}, "newer": {}}).encode(),
    ],
)
def test_an_event_that_concerns_no_dialer_is_taken_and_dropped(site: Site, body: bytes) -> None:
    """Answered 200: LiveKit would only send it again."""
    answer = site.webhook(body, sign(body))
    assert (answer.status, answer.json) == (200, {"data": {"accepted": False}})
    assert (site.counted("accepted"), site.counted("ignored"), site.counted("refused")) == (0, 1, 0)


WRONG: list[tuple[str, Callable[[], str | None]]] = [
    ("missing", lambda: None),
    ("empty", lambda: ""),
    ("no token", lambda: "please"),
    ("with Bearer", lambda: f"Bearer {sign(FINISHED)}"),
    ("another secret", lambda: sign(FINISHED, secret="another-secret-that-is-long-enough-for-sha256")),
    ("another key", lambda: sign(FINISHED, key="somebody")),
    ("of another body", lambda: sign(event("participant_left"))),
    ("without a hash", lambda: sign(FINISHED, sha256="")),
    ("a hash of nonsense", lambda: sign(FINISHED, sha256="%%%")),
    ("expired", lambda: sign(FINISHED, age_s=3600)),
    ("unsigned", lambda: jwt.encode({"iss": KEY, "exp": int(time.time()) + 300}, "", "none")),
]


@pytest.mark.parametrize("signature", [make for _, make in WRONG], ids=[name for name, _ in WRONG])
def test_a_wrong_signature_changes_nothing(site: Site, signature: Callable[[], str | None]) -> None:
    dialer = mailbox(site.directory, CALL.call_id)
    answer = site.webhook(FINISHED, signature())
    assert answer.status == 401
    assert answer.json["error"] == "unauthorized"
    assert dialer.empty
    assert (site.counted("accepted"), site.counted("refused")) == (0, 1)


@pytest.mark.parametrize("changed", [FINISHED + b" ", FINISHED.replace(b"room_finished", b"participant_x"), b""])
def test_a_changed_body_changes_nothing(site: Site, changed: bytes) -> None:
    dialer = mailbox(site.directory, CALL.call_id)
    assert site.webhook(changed, sign(FINISHED)).status == 401
    assert dialer.empty


@pytest.mark.parametrize(
    "body", [b"", b"null", b'{"event": 7}', b"{", b'{"event": "egress_ended", "egressInfo": {"status": {}}}']
)
def test_a_signed_body_that_is_no_event_is_refused(site: Site, body: bytes) -> None:
    assert 400 <= site.webhook(body, sign(body)).status < 500
    assert site.counted("refused") == 1


@pytest.mark.parametrize("body", [b"\xff\xfe{}", '{"event": "Комната"}'.encode("cp1251"), gzip.compress(FINISHED)])
def test_a_body_that_is_not_utf8_is_refused(site: Site, body: bytes) -> None:
    answer = site.webhook(body, sign(body))
    assert (answer.status, answer.json["error"]) == (400, "not an event")
    assert site.counted("refused") == 1


def test_too_large_a_body_is_refused_unread(site: Site) -> None:
    body = b" " * ((1 << 20) + 1)
    answer = site.webhook(body, sign(body))
    assert (answer.status, answer.json["error"]) == (413, "too large")
    assert site.counted("refused") == 1


def test_an_event_may_be_as_large_as_a_room_full_of_metadata(site: Site) -> None:
    dialer = mailbox(site.directory, CALL.call_id)
    body = event("participant_left", participant=ParticipantInfo(identity=CALL.identity, metadata="x" * 900_000))
    assert site.webhook(body, sign(body)).json == {"data": {"accepted": True}}
    dialer.next(ParticipantLeft)


# Health


def test_health_is_told_always_and_readiness_when_it_is_ready(site: Site) -> None:
    assert site.ask("GET", "/healthz").json == {"data": {"healthy": True}}
    before = site.ask("GET", "/readyz")
    assert (before.status, before.json) == (503, {"data": {"ready": False}})
    site.ready = True
    after = site.ask("GET", "/readyz")
    assert (after.status, after.json) == (200, {"data": {"ready": True}})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/webhooks/livekit", 405), ("POST", "/metrics", 405), ("GET", "/nothing", 404)],
)
def test_what_is_not_there_is_not_served(site: Site, method: str, path: str, status: int) -> None:
    assert site.ask(method, path).status == status


def test_an_address_in_use_is_one_line_that_a_person_can_act_on(site: Site, loop: LoopThread) -> None:
    with pytest.raises(CampaignServiceError, match=rf"^can't listen on 127\.0\.0\.1:{site.port}: .*in use"):
        loop.run(Site().server(site.port).start(), 5)


def test_a_stopped_server_leaves_its_address(loop: LoopThread) -> None:
    serving = Site().server()
    port = int(loop.run(serving.start(), 5).rpartition(":")[2])
    loop.run(serving.stop(), 5)
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


# Metrics


def test_metrics_are_served_in_prometheus_s_text_format(site: Site) -> None:
    answer = site.ask("GET", "/metrics")
    assert (answer.status, answer.content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert b'campaignd_build_info{version="1.2.3"} 1.0' in answer.body
