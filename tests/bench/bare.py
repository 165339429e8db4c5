"""The bare asyncio loop that the service is measured against: it makes the service's requests of the same LiveKit, and
learns of ends by the same webhooks, of which it checks nothing. Nothing of it would survive its death."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from contextlib import AsyncExitStack

import aiohttp
from aiohttp import web
from livekit import api

from actors.dialer.conversation import AGENT_LEAVES
from tests.bench.plant import KEY, SECRET, Plant, number


class BareLoop:
    """An asynchronous context manager, in which LiveKit's webhooks come here."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._closing = AsyncExitStack()
        self._callees_left: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._agents_left: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def __aenter__(self) -> BareLoop:
        app = web.Application()
        app.add_routes([web.post("/", self._take)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._closing.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._plant.turn(webhook_url=f"http://127.0.0.1:{runner.addresses[0][1]}/")
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        await self._closing.enter_async_context(session)
        self._livekit = api.LiveKitAPI(self._plant.livekit_url, KEY, SECRET, session=session, failover=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()
        self._plant.use(self._plant.livekit_url)

    async def make_room(self, room: str) -> None:
        """Make it, and send for its agent."""
        agents = [api.RoomAgentDispatch(agent_name="renewals-agent", metadata="{}")]
        await self._livekit.room.create_room(api.CreateRoomRequest(name=room, empty_timeout=120, agents=agents))

    async def talk(self, room: str, contact: int) -> None:
        """Dial the contact of this number in the list, and wait until they have left."""
        await self._livekit.sip.create_sip_participant(
            api.CreateSIPParticipantRequest(
                sip_trunk_id="ST_main", sip_number="+74951234567", sip_call_to=number(contact), room_name=room,
                participant_identity="callee", wait_until_answered=True,
            )
        )  # fmt: skip
        await self._callees_left[room].wait()

    async def close_room(self, room: str) -> None:
        """When the agent has left, or has been asked about."""
        try:
            await asyncio.wait_for(self._agents_left[room].wait(), AGENT_LEAVES.total_seconds())
        except TimeoutError:
            await self._livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        await self._livekit.room.delete_room(api.DeleteRoomRequest(room=room))

    async def _take(self, request: web.Request) -> web.Response:
        event = json.loads(await request.read())
        if event["event"] == "participant_left":
            left = self._callees_left if event["participant"].get("kind") == "SIP" else self._agents_left
            left[event["room"]["name"]].set()
        return web.json_response({})
