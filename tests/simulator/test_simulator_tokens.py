from __future__ import annotations

import asyncio
import time

import jwt
import pytest
from livekit import api
from livekit_client import livekit

from supervisor.simulator import API_KEY, API_SECRET


def _bearer(claims: dict[str, object], secret: str = API_SECRET) -> str:
    return f"Bearer {jwt.encode(claims, secret, algorithm='HS256')}"


def _claims(**changes: object) -> dict[str, object]:
    claims = {"iss": API_KEY, "exp": time.time() + 60, "video": {"roomCreate": True}, **changes}
    return {key: value for key, value in claims.items() if value is not None}


@pytest.mark.parametrize(
    "authorization",
    [
        _bearer(_claims(), secret="x" * 40),
        _bearer(_claims(iss="somebody")),
        _bearer(_claims(exp=time.time() - 61)),
        _bearer(_claims(exp=None)),
        "Bearer nonsense",
        "Basic abc",
    ],
    ids=["another secret", "another key", "expired", "without exp", "no token", "no bearer"],
)
def test_a_bad_token_is_answered_401_in_plain_text(authorization: str) -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            request = api.CreateRoomRequest(name="room")
            answer = await lk.post("RoomService", "CreateRoom", request, Authorization=authorization)
            assert (answer.status, answer.content_type) == (401, "text/plain")
            assert await lk.rooms() == []

    asyncio.run(scenario())


def test_a_token_expired_less_than_a_minute_ago_still_holds() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            authorization = _bearer(_claims(exp=time.time() - 50))
            request = api.CreateRoomRequest(name="room")
            answer = await lk.post("RoomService", "CreateRoom", request, Authorization=authorization)
            assert answer.status == 200

    asyncio.run(scenario())


def test_the_client_sees_a_bad_secret_as_status_401_without_a_code() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            lk.api.room.api_secret = "x" * 40
            with pytest.raises(api.ServerError) as caught:
                await lk.create_room("room")
            assert (caught.value.status, caught.value.code, caught.value.message) == (401, "unknown", "")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("service", "method", "request_", "claims"),
    [
        ("RoomService", "CreateRoom", api.CreateRoomRequest(name="r"), {"video": {"roomList": True}}),
        ("RoomService", "ListRooms", api.ListRoomsRequest(), {"video": {"roomCreate": True}}),
        ("RoomService", "DeleteRoom", api.DeleteRoomRequest(room="r"), {"video": {"roomAdmin": True, "room": "r"}}),
        (
            "RoomService",
            "ListParticipants",
            api.ListParticipantsRequest(room="r"),
            {"video": {"roomAdmin": True, "room": "another"}},
        ),
        ("AgentDispatchService", "ListDispatch", api.ListAgentDispatchRequest(room="r"), {"video": {"room": "r"}}),
        ("Egress", "ListEgress", api.ListEgressRequest(), {"video": {"roomCreate": True}}),
        ("SIP", "CreateSIPParticipant", api.CreateSIPParticipantRequest(), {"sip": {"admin": True}}),
        ("SIP", "ListSIPOutboundTrunk", api.ListSIPOutboundTrunkRequest(), {"sip": {"call": True}}),
    ],
)
def test_a_missing_grant_is_answered_401_in_json(
    service: str, method: str, request_: object, claims: dict[str, object]
) -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            authorization = _bearer(_claims(video=None) | claims)
            answer = await lk.post(service, method, request_, Authorization=authorization)
            assert (answer.status, answer.content_type) == (401, "application/json")
            assert await answer.json() == {"code": "unauthenticated", "msg": "permissions denied"}

    asyncio.run(scenario())


def test_a_request_without_a_token_has_no_grants() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            answer = await lk.post("RoomService", "ListRooms", api.ListRoomsRequest())
            assert answer.status == 401
            assert (await answer.json())["code"] == "unauthenticated"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("service", "method", "body", "content_type", "code"),
    [
        ("RoomService", "MakeRoom", b"", "application/protobuf", "bad_route"),
        ("RoomService", "CreateRoom", b"", "text/plain", "bad_route"),
        ("RoomService", "CreateRoom", b"\xff\xff", "application/protobuf", "malformed"),
        ("RoomService", "CreateRoom", b"{", "application/json", "malformed"),
    ],
)
def test_what_is_no_request_is_refused(service: str, method: str, body: bytes, content_type: str, code: str) -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            headers = {"Content-Type": content_type, "Authorization": _bearer(_claims())}
            answer = await lk.post(service, method, body, **headers)
            assert answer.status == {"bad_route": 404, "malformed": 400}[code]
            assert (await answer.json())["code"] == code

    asyncio.run(scenario())


def test_json_is_spoken_too() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            headers = {"Content-Type": "application/json", "Authorization": _bearer(_claims())}
            answer = await lk.post("RoomService", "CreateRoom", b'{"name": "room"}', **headers)
            assert (await answer.json())["empty_timeout"] == 300

    asyncio.run(scenario())
