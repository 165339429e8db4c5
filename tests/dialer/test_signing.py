"""One signature for many requests to LiveKit, made anew long before it is no good any more."""

from __future__ import annotations

import asyncio
from time import monotonic

import aiohttp
import pytest
from livekit import api

from actors.dialer.signing import ANEW_AFTER_S, SignedClient
from supervisor.simulator import SimulatorThread
from tests.world import KEY, SECRET


@pytest.mark.parametrize(("passed_s", "same"), [(0, True), (ANEW_AFTER_S - 1, True), (ANEW_AFTER_S, False)])
def test_a_signature_is_used_until_it_is_a_minute_old(passed_s: float, same: bool) -> None:
    async def clients() -> bool:
        seconds = iter((1000.0, 1000.0 + passed_s))
        async with aiohttp.ClientSession() as session:
            signed = SignedClient(session, "http://127.0.0.1:1", KEY, SECRET, lambda: next(seconds))
            return signed.get() is signed.get()

    assert asyncio.run(clients()) is same


def test_livekit_takes_it_for_every_request_that_concerns_no_single_room(livekit: SimulatorThread) -> None:
    async def ask() -> list[str]:
        async with aiohttp.ClientSession() as session:
            signed = SignedClient(session, livekit.url, KEY, SECRET, monotonic)
            await signed.get().room.create_room(api.CreateRoomRequest(name="lobby"))
            rooms = await signed.get().room.list_rooms(api.ListRoomsRequest())
            await signed.get().room.delete_room(api.DeleteRoomRequest(room="lobby"))
            return [room.name for room in rooms.rooms]

    assert asyncio.run(ask()) == ["lobby"]
