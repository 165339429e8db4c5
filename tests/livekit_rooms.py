"""LiveKit's rooms, as whoever else has its keys sees them, and ends them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from livekit import api

from supervisor.simulator import SimulatorThread
from tests.world import KEY, SECRET

T = TypeVar("T")


def rooms(livekit: SimulatorThread) -> dict[str, api.Room]:
    """By their names."""
    answer = _ask(livekit, lambda client: client.room.list_rooms(api.ListRoomsRequest()))
    return {room.name: room for room in answer.rooms}


def participants(livekit: SimulatorThread, room: str) -> list[api.ParticipantInfo]:
    """Who is in this room."""
    request = api.ListParticipantsRequest(room=room)
    return list(_ask(livekit, lambda client: client.room.list_participants(request)).participants)


def jobs(livekit: SimulatorThread) -> list[str]:
    """What agents were told that were sent for."""

    async def ask(client: api.LiveKitAPI) -> list[str]:
        sent = [await client.agent_dispatch.list_dispatch(name) for name in names]
        return [dispatch.metadata for dispatches in sent for dispatch in dispatches]

    names = rooms(livekit)
    return _ask(livekit, ask)


def make_room(livekit: SimulatorThread, name: str, metadata: str = "") -> None:
    """One that stays though nobody is in it."""
    request = api.CreateRoomRequest(name=name, metadata=metadata, empty_timeout=100_000)
    _ask(livekit, lambda client: client.room.create_room(request))


def close_room(livekit: SimulatorThread, name: str) -> None:
    """Whoever is in it is hung up on."""
    _ask(livekit, lambda client: client.room.delete_room(api.DeleteRoomRequest(room=name)))


def hang_up(livekit: SimulatorThread, calls: int = 1) -> None:
    """So many of those who talk hang up."""
    talking = [ring.room for ring in livekit.rings() if ring.ended_at is None]
    for room in talking[:calls]:
        close_room(livekit, room)


def _ask(livekit: SimulatorThread, request: Callable[[api.LiveKitAPI], Awaitable[T]]) -> T:
    async def ask() -> T:
        async with api.LiveKitAPI(livekit.url, KEY, SECRET) as client:
            return await request(client)

    return asyncio.run(ask())
