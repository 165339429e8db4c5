from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from livekit import api
from livekit_client import LiveKit, livekit, receiver, until

from supervisor.simulator import Answer

NUMBER = "+15550101"
TALK = Answer(ring_s=1, talk_s=10_000)
STATUS = api.EgressStatus


def _request(filepath: str = "calls/{room_name}.ogg") -> api.RoomCompositeEgressRequest:
    output = api.EncodedFileOutput(file_type=api.EncodedFileType.OGG, filepath=filepath)
    return api.RoomCompositeEgressRequest(room_name="room", audio_only=True, file_outputs=[output])


async def _egress(lk: LiveKit, status: int) -> api.EgressInfo:
    """The room's only egress, once it has that status."""
    while True:
        (info,) = (await lk.api.egress.list_egress(api.ListEgressRequest(room_name="room"))).items
        if info.status == status:
            return info
        assert info.status in (STATUS.EGRESS_STARTING, STATUS.EGRESS_ACTIVE, STATUS.EGRESS_ENDING)
        await asyncio.sleep(0.002)


def test_a_recording_that_is_stopped_is_complete_and_its_file_is_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with receiver() as hooks, livekit(webhook_url=hooks.url, recordings_directory=tmp_path) as lk:
            await lk.create_room("room")
            started = await lk.api.egress.start_room_composite_egress(_request())
            assert started.status == STATUS.EGRESS_STARTING
            await _egress(lk, STATUS.EGRESS_ACTIVE)
            (room,) = (await lk.api.room.list_rooms(api.ListRoomsRequest())).rooms
            assert room.active_recording
            stopped = await lk.api.egress.stop_egress(api.StopEgressRequest(egress_id=started.egress_id))
            assert stopped.status == STATUS.EGRESS_ENDING
            info = await _egress(lk, STATUS.EGRESS_COMPLETE)
            (result,) = info.file_results
            content = (tmp_path / "calls/room.ogg").read_bytes()
            assert content.startswith(b"OggS")
            assert (result.filename, result.size) == ("calls/room.ogg", len(content))
            assert result.location == str(tmp_path / "calls/room.ogg")
            assert result.duration > 0
            assert info.started_at <= info.ended_at
            await until(lambda: "egress_ended" in hooks.names())
            told = [e.event for e in hooks.events if e.egress_info.egress_id == started.egress_id]
            assert told == ["egress_started", "egress_updated", "egress_updated", "egress_ended"]

    asyncio.run(scenario())


def test_a_recording_ends_with_its_room() -> None:
    async def scenario() -> None:
        async with livekit(script={NUMBER: TALK}) as lk:
            await lk.create_room("room", egress=api.RoomEgress(room=_request()))
            await lk.dial(NUMBER)
            await _egress(lk, STATUS.EGRESS_ACTIVE)
            await lk.delete_room("room")
            assert len((await _egress(lk, STATUS.EGRESS_COMPLETE)).file_results) == 1

    asyncio.run(scenario())


def test_a_recording_stopped_before_it_was_active_is_aborted_without_a_file() -> None:
    async def scenario() -> None:
        async with livekit(speed=1) as lk:
            await lk.create_room("room")
            started = await lk.api.egress.start_room_composite_egress(_request())
            await lk.api.egress.stop_egress(api.StopEgressRequest(egress_id=started.egress_id))
            info = await _egress(lk, STATUS.EGRESS_ABORTED)
            assert list(info.file_results) == []
            with pytest.raises(api.ServerError) as caught:
                await lk.api.egress.stop_egress(api.StopEgressRequest(egress_id=started.egress_id))
            assert caught.value.code == "failed_precondition"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        ("failed", STATUS.EGRESS_FAILED),
        ("aborted", STATUS.EGRESS_ABORTED),
        ("limit_reached", STATUS.EGRESS_LIMIT_REACHED),
    ],
)
def test_recordings_can_fail(mode: str, status: int) -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            lk.simulator.set_knobs(egress=mode)
            await lk.create_room("room", empty_timeout=10)
            await lk.api.egress.start_room_composite_egress(_request())
            info = await _egress(lk, status)
            assert bool(info.error) == (mode != "limit_reached")
            assert bool(info.file_results) == (mode == "limit_reached")

    asyncio.run(scenario())


def test_a_recording_can_be_stuck_for_ever() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            lk.simulator.set_knobs(egress="stuck")
            await lk.create_room("room")
            await lk.api.egress.start_room_composite_egress(_request())
            await _egress(lk, STATUS.EGRESS_ACTIVE)
            await lk.delete_room("room")
            active = await lk.api.egress.list_egress(api.ListEgressRequest(active=True))
            assert len(active.items) == 1

    asyncio.run(scenario())


def test_a_room_whose_recording_could_not_be_started_stays_and_is_not_recorded() -> None:
    async def scenario() -> None:
        async with livekit(speed=1) as lk:
            lk.simulator.set_knobs(egress="refused")
            with pytest.raises(api.ServerError) as caught:
                await lk.create_room("room", egress=api.RoomEgress(room=_request()))
            assert caught.value.code == "unavailable"
            lk.simulator.set_knobs(egress="complete")
            await lk.create_room("room", egress=api.RoomEgress(room=_request()))
            assert list((await lk.api.egress.list_egress(api.ListEgressRequest())).items) == []

    asyncio.run(scenario())


def test_no_recording_is_written_outside_its_folder(tmp_path: Path) -> None:
    async def scenario() -> None:
        folder = tmp_path / "recordings"
        async with livekit(recordings_directory=folder) as lk:
            await lk.create_room("room", empty_timeout=10)
            await lk.api.egress.start_room_composite_egress(_request("../outside.ogg"))
            assert "outside" in (await _egress(lk, STATUS.EGRESS_FAILED)).error
            assert list(tmp_path.iterdir()) in ([], [folder])

    asyncio.run(scenario())


def test_what_can_not_be_recorded_is_refused() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            for request, code in ((_request(), "not_found"), (api.RoomCompositeEgressRequest(), "not_found")):
                with pytest.raises(api.ServerError) as caught:
                    await lk.api.egress.start_room_composite_egress(request)
                assert caught.value.code == code
            await lk.create_room("room")
            with pytest.raises(api.ServerError) as caught:
                await lk.api.egress.start_room_composite_egress(api.RoomCompositeEgressRequest(room_name="room"))
            assert caught.value.code == "invalid_argument"
            for ask in (
                lk.api.egress.stop_egress(api.StopEgressRequest(egress_id="EG_1")),
                lk.api.egress.list_egress(api.ListEgressRequest(egress_id="EG_1")),
            ):
                with pytest.raises(api.ServerError) as caught:
                    await ask
                assert caught.value.code == "not_found"

    asyncio.run(scenario())
