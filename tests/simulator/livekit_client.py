"""A running simulator with LiveKit's own client beside it, and a receiver for its webhooks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from google.protobuf.duration_pb2 import Duration
from livekit import api

from supervisor.simulator import API_KEY, API_SECRET, Simulator

T = TypeVar("T")


async def until(condition: Callable[[], T], timeout_s: float = 5) -> T:
    """Wait for a true answer, and return it."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"still waiting after {timeout_s} s"
        await asyncio.sleep(0.002)
    return answer


class LiveKit:
    """The simulator, the client, and shorter ways to say what tests say often."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session
        self.api = api.LiveKitAPI(simulator.url, API_KEY, API_SECRET, session=session, failover=False)

    async def create_room(self, name: str, **fields: Any) -> api.Room:
        return await self.api.room.create_room(api.CreateRoomRequest(name=name, **fields))

    async def create_room_with_agent(self, name: str, metadata: str = "") -> api.Room:
        return await self.create_room(name, agents=[api.RoomAgentDispatch(agent_name="caller", metadata=metadata)])

    async def delete_room(self, name: str) -> None:
        await self.api.room.delete_room(api.DeleteRoomRequest(room=name))

    async def rooms(self) -> list[str]:
        return [r.name for r in (await self.api.room.list_rooms(api.ListRoomsRequest())).rooms]

    async def participants(self, room: str) -> dict[str, api.ParticipantInfo]:
        answer = await self.api.room.list_participants(api.ListParticipantsRequest(room=room))
        return {p.identity: p for p in answer.participants}

    async def status(self, room: str, identity: str = "callee") -> str | None:
        info = (await self.participants(room)).get(identity)
        return info.attributes["sip.callStatus"] if info else None

    async def remove(self, room: str, identity: str = "callee") -> None:
        await self.api.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))

    async def dial(
        self,
        number: str,
        room: str = "room",
        identity: str = "callee",
        wait: bool = True,
        ringing_s: float = 30,
        **fields: Any,
    ) -> api.SIPParticipantInfo:
        request = api.CreateSIPParticipantRequest(
            sip_trunk_id=fields.pop("sip_trunk_id", "ST_main"),
            sip_call_to=number,
            room_name=room,
            participant_identity=identity,
            wait_until_answered=wait,
            ringing_timeout=Duration(seconds=int(ringing_s)),
            **fields,
        )
        return await self.api.sip.create_sip_participant(request, timeout=60)

    async def refusal(self, number: str, **fields: Any) -> api.ServerError:
        """The error that a dial ends in."""
        try:
            await self.dial(number, **fields)
        except api.ServerError as error:
            return error
        raise AssertionError(f"{number} answered")

    async def post(self, service: str, method: str, message: Any, **headers: str) -> aiohttp.ClientResponse:
        """A request as another client might make it."""
        headers.setdefault("Content-Type", "application/protobuf")
        body = message if isinstance(message, bytes) else message.SerializeToString()
        url = f"{self.simulator.url}/twirp/livekit.{service}/{method}"
        async with self.session.post(url, data=body, headers=headers) as answer:
            await answer.read()
            return answer


@asynccontextmanager
async def livekit(speed: float = 200, **arguments: Any) -> AsyncIterator[LiveKit]:
    """A simulator for as long as the block lasts, whose callees are patient when no agent comes."""
    simulator = Simulator(speed=speed, **arguments)
    simulator.set_knobs(callee_patience_s=1e6)
    await simulator.start()
    try:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=20)) as session:
            yield LiveKit(simulator, session)
    finally:
        await simulator.stop()


class Receiver:
    """Takes webhooks and verifies them as a consumer should. `answers`: the statuses to give first, then 200."""

    def __init__(self, answers: Sequence[int]) -> None:
        self.url = ""
        self.requests = 0
        self.events: list[api.WebhookEvent] = []
        self._answers = list(answers)
        self._verifier = api.WebhookReceiver(api.TokenVerifier(API_KEY, API_SECRET))

    async def take(self, request: web.Request) -> web.Response:
        self.requests += 1
        assert request.content_type == "application/webhook+json"
        body = (await request.read()).decode()
        event = self._verifier.receive(body, request.headers["Authorization"])
        self.events.append(event)
        return web.Response(status=self._answers.pop(0) if self._answers else 200)

    def names(self, room: str | None = None) -> list[str]:
        return [e.event for e in self.events if room is None or e.room.name == room]

    def of(self, event: str) -> list[api.WebhookEvent]:
        return [e for e in self.events if e.event == event]


@asynccontextmanager
async def receiver(answers: Sequence[int] = ()) -> AsyncIterator[Receiver]:
    """A webhook receiver for as long as the block lasts."""
    taking = Receiver(answers)
    app = web.Application()
    app.router.add_post("/webhooks", taking.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        taking.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks"
        yield taking
    finally:
        await runner.cleanup()
