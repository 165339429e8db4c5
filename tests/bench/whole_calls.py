"""Whole calls: claim, room, dial, answer, end, settled, against a bare asyncio loop that makes the same requests.

Both have a hundred calls at once, nobody rings, and who answers talks for a moment, so that the agent can join. The
bare loop asks what the product asks for each call (room, dial, who is there, close the room) and learns of its end by
the same webhooks, of which it checks nothing. LiveKit's own limit is in both: they take turns with the same process.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from time import monotonic

import aiohttp
from aiohttp import web
from livekit import api

from supervisor.database.account import temporary_folder
from tests.bench.figures import Figure
from tests.bench.plant import KEY, SECRET, Plant, cpu_s, wait_for

_AT_ONCE = 100
_TALK_S = 0.02


def measure(quick: bool) -> Iterable[Figure]:
    """Calls per second through the service, and as a part of the bare loop's."""
    calls = 600 if quick else 4000
    with temporary_folder() as folder, Plant(folder) as plant:
        plant.campaign("spring", [_TALK_S] * calls, f"[limits]\nmax_concurrent_calls = {_AT_ONCE}")
        service = plant.ready()
        wait_for(
            lambda: plant.read("SELECT count(*) AS n FROM call_tasks WHERE status = 'completed'")[0]["n"] == calls,
            "every call to be settled",
        )
        rows = plant.read("SELECT count(*) AS n FROM calls WHERE outcome = 'answered'")
        assert rows[0]["n"] == calls, "not everybody was talked to"
        (first,) = plant.read("SELECT min(claimed_at) AS at, max(ended_at) AS ended_at FROM calls")
        seconds = (first["ended_at"] - first["at"]).total_seconds()
        used = {"service": cpu_s(service.pid), **plant.cpu_s()}
        requests = plant.state()["requests"]
        plant.kill(service)
        rates = asyncio.run(_bare(plant, calls))
    yield Figure("whole-calls", "through the service", calls / seconds, "/s", "higher")
    yield Figure("whole-calls", "bare asyncio loop with livekit-api", rates, "/s", "higher")
    yield Figure("whole-calls", "of the bare loop", calls / seconds / rates, "×", "higher", 0.5)
    for part, cpu in used.items():
        yield Figure("whole-calls", f"CPU per call, {part}", cpu / calls * 1000, "ms", "lower")
    yield Figure("whole-calls", "requests to LiveKit per call", sum(requests.values()) / calls, "", "lower")


async def _bare(plant: Plant, calls: int) -> float:
    """Calls per second of a loop that does nothing else."""
    over: dict[str, asyncio.Event] = {}

    async def take(request: web.Request) -> web.Response:
        event = json.loads(await request.read())
        if event["event"] == "participant_left" and event["participant"].get("kind") == "SIP":
            over[event["room"]["name"]].set()
        return web.json_response({})

    app = web.Application()
    app.add_routes([web.post("/", take)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    plant.turn(webhook_url=f"http://127.0.0.1:{runner.addresses[0][1]}/")
    numbers = iter(range(calls))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        client = api.LiveKitAPI(plant.livekit_url, KEY, SECRET, session=session, failover=False)

        async def call(number: int) -> None:
            room = f"bare-{number}"
            ended = over[room] = asyncio.Event()
            agents = [api.RoomAgentDispatch(agent_name="renewals-agent", metadata="{}")]
            await client.room.create_room(api.CreateRoomRequest(name=room, empty_timeout=120, agents=agents))
            await client.sip.create_sip_participant(
                api.CreateSIPParticipantRequest(
                    sip_trunk_id="ST_main", sip_number="+74951234567", sip_call_to=f"+7945{number:07}", room_name=room,
                    participant_identity="callee", wait_until_answered=True,
                )
            )  # fmt: skip
            await ended.wait()
            await client.room.list_participants(api.ListParticipantsRequest(room=room))
            await client.room.delete_room(api.DeleteRoomRequest(room=room))

        async def work() -> None:
            for number in numbers:
                await call(number)

        began = monotonic()
        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
        rate = calls / (monotonic() - began)
    await runner.cleanup()
    return rate
