from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from livekit import api
from livekit_client import livekit, receiver, until

from supervisor.simulator import Answer


def test_an_existing_room_is_returned_unchanged() -> None:
    async def scenario() -> None:
        async with livekit(speed=1) as lk:
            first = await lk.create_room("room", metadata="first", empty_timeout=7)
            second = await lk.create_room("room", metadata="second", agents=[api.RoomAgentDispatch(agent_name="a")])
            assert second == first
            assert await lk.api.agent_dispatch.list_dispatch("room") == []
            assert (first.empty_timeout, first.departure_timeout) == (7, 20)

    asyncio.run(scenario())


def test_rooms_are_listed_all_or_by_exact_name() -> None:
    async def scenario() -> None:
        async with livekit(speed=1) as lk:
            for name in ("one", "two", "three"):
                await lk.create_room(name)
            assert await lk.rooms() == ["one", "two", "three"]
            some = await lk.api.room.list_rooms(api.ListRoomsRequest(names=["two", "tw", "three"]))
            assert [r.name for r in some.rooms] == ["two", "three"]

    asyncio.run(scenario())


def test_a_room_that_is_gone_is_not_found_yet_its_participants_are_an_empty_list() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            assert await lk.participants("room") == {}
            for request in (
                lk.delete_room("room"),
                lk.remove("room"),
                lk.api.room.get_participant(api.RoomParticipantIdentity(room="room", identity="callee")),
                lk.api.room.update_room_metadata(api.UpdateRoomMetadataRequest(room="room", metadata="x")),
            ):
                with pytest.raises(api.ServerError) as caught:
                    await request
                assert (caught.value.code, caught.value.status) == ("not_found", 404)
                assert caught.value.message.startswith("twirp error unknown: ")

    asyncio.run(scenario())


def test_a_room_name_may_have_256_characters() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            await lk.create_room("x" * 256)
            with pytest.raises(api.ServerError) as caught:
                await lk.create_room("x" * 257)
            assert caught.value.code == "invalid_argument"

    asyncio.run(scenario())


def test_a_room_that_nobody_enters_closes_after_its_empty_timeout() -> None:
    async def scenario() -> None:
        async with receiver() as hooks, livekit(webhook_url=hooks.url) as lk:
            await lk.create_room("room", empty_timeout=1)
            await until(lambda: hooks.names() == ["room_started", "room_finished"])
            assert await lk.rooms() == []

    asyncio.run(scenario())


def test_an_agent_keeps_no_room_open_and_leaves_with_it() -> None:
    async def scenario() -> None:
        async with receiver() as hooks, livekit(webhook_url=hooks.url) as lk:
            lk.simulator.set_knobs(agent_lingers_s=1000)
            lk.simulator.set_script({"+15550101": Answer(ring_s=1, talk_s=1)})
            await lk.create_room_with_agent("room")
            await lk.dial("+15550101")
            await until(lambda: "room_finished" in hooks.names())
            left = [e.participant for e in hooks.of("participant_left")]
            assert [(p.kind, p.disconnect_reason) for p in left] == [
                (api.ParticipantInfo.SIP, api.DisconnectReason.CLIENT_INITIATED),
                (api.ParticipantInfo.AGENT, api.DisconnectReason.ROOM_CLOSED),
            ]

    asyncio.run(scenario())


def test_a_room_entered_again_in_time_stays_open() -> None:
    async def scenario() -> None:
        async with livekit(script={"+15550101": Answer(ring_s=1, talk_s=1000)}) as lk:
            await lk.dial("+15550101", identity="first")
            await lk.remove("room", "first")
            sid = (await lk.create_room("room")).sid
            await lk.dial("+15550101", identity="second")
            await lk.create_room("later", empty_timeout=60)
            while "later" in await lk.rooms():
                pass
            assert (await lk.create_room("room")).sid == sid

    asyncio.run(scenario())


def test_deleting_a_room_sends_everybody_away() -> None:
    async def scenario() -> None:
        script = {"+15550101": Answer(ring_s=1, talk_s=1000)}
        async with receiver() as hooks, livekit(webhook_url=hooks.url, script=script) as lk:
            await lk.dial("+15550101")
            await lk.delete_room("room")
            assert await lk.rooms() == []
            await until(lambda: "room_finished" in hooks.names())
            assert hooks.names() == ["room_started", "participant_joined", "participant_left", "room_finished"]
            callee = hooks.of("participant_left")[0].participant
            assert callee.disconnect_reason == api.DisconnectReason.ROOM_DELETED
            assert callee.attributes["sip.callStatus"] == "active"
            (ring,) = lk.simulator.rings()
            assert ring.ended_at is not None

    asyncio.run(scenario())


def test_metadata_and_attributes_can_be_changed() -> None:
    async def scenario() -> None:
        async with livekit(speed=1) as lk:
            await lk.dial("+15550101", wait=False)
            await lk.api.room.update_room_metadata(api.UpdateRoomMetadataRequest(room="room", metadata="new"))
            assert (await lk.create_room("room")).metadata == "new"
            await lk.api.room.update_participant(
                api.UpdateParticipantRequest(room="room", identity="callee", attributes={"a": "1", "sip.callID": ""})
            )
            attributes = (await lk.participants("room"))["callee"].attributes
            assert attributes["a"] == "1"
            assert "sip.callID" not in attributes

    asyncio.run(scenario())


def test_timestamps_are_those_of_the_given_clock() -> None:
    async def scenario() -> None:
        async with livekit(speed=1, now=lambda: datetime(2030, 1, 1, tzinfo=UTC)) as lk:
            room = await lk.create_room("room")
            await lk.dial("+15550101", wait=False)
            callee = (await lk.participants("room"))["callee"]
            assert room.creation_time == callee.joined_at == datetime(2030, 1, 1, tzinfo=UTC).timestamp()
            assert room.creation_time_ms == callee.joined_at_ms == room.creation_time * 1000

    asyncio.run(scenario())
