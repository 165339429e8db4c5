from __future__ import annotations

import asyncio

import pytest
from livekit import api
from livekit_client import LiveKit, livekit, receiver, until

from supervisor.simulator import Answer

NUMBER = "+15550101"
TALK = Answer(ring_s=5, talk_s=10_000)


async def _agents(lk: LiveKit, room: str = "room") -> list[api.ParticipantInfo]:
    return [p for p in (await lk.participants(room)).values() if p.kind == api.ParticipantInfo.AGENT]


async def _jobs(lk: LiveKit, room: str = "room") -> list[api.Job]:
    return [job for dispatch in await lk.api.agent_dispatch.list_dispatch(room) for job in dispatch.state.jobs]


def test_an_agent_joins_a_second_after_the_room_was_made_for_it_and_finds_its_metadata_in_the_job() -> None:
    async def scenario() -> None:
        async with receiver() as hooks, livekit(speed=4, script={NUMBER: TALK}, webhook_url=hooks.url) as lk:
            began = asyncio.get_running_loop().time()
            await lk.create_room_with_agent("room", metadata="who to call")
            assert await _agents(lk) == []
            await until(lambda: hooks.of("participant_joined"))
            assert asyncio.get_running_loop().time() - began > 0.25
            (agent,) = await _agents(lk)
            assert agent.joined_at > 0
            (job,) = await _jobs(lk)
            assert (job.agent_name, job.metadata) == ("caller", "who to call")
            assert job.state.status == api.JobStatus.JS_RUNNING
            assert job.state.participant_identity == agent.identity

    asyncio.run(scenario())


def test_a_dispatch_without_a_worker_is_accepted_and_nobody_joins() -> None:
    async def scenario() -> None:
        async with livekit(script={NUMBER: TALK}) as lk:
            lk.simulator.set_knobs(agent_worker=False)
            await lk.create_room_with_agent("room")
            await lk.api.agent_dispatch.create_dispatch(api.CreateAgentDispatchRequest(agent_name="a", room="room"))
            await lk.dial(NUMBER)
            assert len(await lk.api.agent_dispatch.list_dispatch("room")) == 2
            assert await _jobs(lk) == []
            assert await _agents(lk) == []

    asyncio.run(scenario())


def test_each_dispatch_adds_one_more_agent_and_makes_the_room_it_is_for() -> None:
    async def scenario() -> None:
        async with receiver() as hooks, livekit(webhook_url=hooks.url) as lk:
            request = api.CreateAgentDispatchRequest(agent_name="a", room="room", metadata="m")
            first = await lk.api.agent_dispatch.create_dispatch(request)
            await lk.api.agent_dispatch.create_dispatch(request)
            await until(lambda: len(hooks.of("participant_joined")) == 2)
            assert len(await _agents(lk)) == 2
            await lk.api.agent_dispatch.delete_dispatch(first.id, "room")
            assert len(await _agents(lk)) == 1
            with pytest.raises(api.ServerError) as caught:
                await lk.api.agent_dispatch.delete_dispatch(first.id, "room")
            assert caught.value.code == "not_found"

    asyncio.run(scenario())


def test_asking_for_the_dispatches_of_a_room_that_is_gone_finds_nobody_to_answer() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            with pytest.raises(api.ServerError) as caught:
                await lk.api.agent_dispatch.list_dispatch("room")
            assert (caught.value.code, caught.value.status) == ("unavailable", 503)
            assert caught.value.message == "twirp error unknown: no response from servers"

    asyncio.run(scenario())


def test_the_unnamed_agent_takes_the_rooms_that_name_none_if_there_is_one() -> None:
    async def scenario() -> None:
        async with receiver() as hooks, livekit(webhook_url=hooks.url) as lk:
            await lk.create_room("none")
            lk.simulator.set_knobs(unnamed_agent_worker=True)
            await lk.create_room("one")
            await until(lambda: hooks.of("participant_joined"))
            assert len(await _agents(lk, "one")) == 1
            assert await _agents(lk, "none") == []

    asyncio.run(scenario())


def test_an_agent_that_never_starts_is_a_job_that_stays_pending() -> None:
    async def scenario() -> None:
        script = {NUMBER: [Answer(ring_s=5, talk_s=60, agent_joins=False), TALK]}
        async with livekit(script=script) as lk:
            lk.simulator.set_knobs(callee_patience_s=20)
            await lk.create_room_with_agent("first")
            await lk.dial(NUMBER, room="first")
            assert await _agents(lk, "first") == []
            assert [job.state.status for job in await _jobs(lk, "first")] == [api.JobStatus.JS_PENDING]
            await until(lambda: lk.simulator.rings()[0].ended_at)
            await lk.create_room_with_agent("second")
            await lk.dial(NUMBER, room="second")
            assert len(await _agents(lk, "second")) == 1

    asyncio.run(scenario())


def test_an_agent_reports_a_voicemail_and_hangs_up() -> None:
    async def scenario() -> None:
        script = {NUMBER: Answer(ring_s=5, talk_s=8, voicemail=True, ended_by="agent_removes_callee")}
        async with receiver() as hooks, livekit(speed=50, script=script, webhook_url=hooks.url) as lk:
            await lk.create_room_with_agent("room")
            await lk.dial(NUMBER)
            outcomes = {a.attributes.get("campaignd.outcome") for a in await _agents(lk)}
            assert outcomes == {None}
            await until(lambda: len(hooks.of("participant_left")) == 2)
            callee, agent = (e.participant for e in hooks.of("participant_left"))
            assert callee.disconnect_reason == api.DisconnectReason.PARTICIPANT_REMOVED
            assert callee.attributes["sip.callStatus"] == "active"
            assert agent.attributes["campaignd.outcome"] == "voicemail"
            assert agent.disconnect_reason == api.DisconnectReason.CLIENT_INITIATED
            (job,) = await _jobs(lk)
            assert job.state.status == api.JobStatus.JS_SUCCESS

    asyncio.run(scenario())


def test_what_an_agent_reported_can_be_asked_for_while_it_lingers() -> None:
    async def scenario() -> None:
        script = {NUMBER: Answer(ring_s=5, talk_s=8, voicemail=True, ended_by="agent_removes_callee")}
        async with livekit(script=script) as lk:
            lk.simulator.set_knobs(agent_lingers_s=1000)
            await lk.create_room_with_agent("room")
            await lk.dial(NUMBER)
            await until(lambda: lk.simulator.rings()[0].ended_at)
            (agent,) = await _agents(lk)
            assert agent.attributes["campaignd.outcome"] == "voicemail"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("ended_by", "reason"),
    [
        ("callee", api.DisconnectReason.CLIENT_INITIATED),
        ("agent_removes_callee", api.DisconnectReason.PARTICIPANT_REMOVED),
        ("agent_deletes_room", api.DisconnectReason.ROOM_DELETED),
    ],
)
def test_a_conversation_is_ended_by_whoever_the_script_says(ended_by: str, reason: api.DisconnectReason) -> None:
    async def scenario() -> None:
        script = {NUMBER: Answer(ring_s=5, talk_s=20, ended_by=ended_by)}  # type: ignore[arg-type]
        async with receiver() as hooks, livekit(script=script, webhook_url=hooks.url) as lk:
            await lk.create_room_with_agent("room")
            await lk.dial(NUMBER)
            await until(lambda: hooks.of("participant_left"))
            assert hooks.of("participant_left")[0].participant.disconnect_reason == reason

    asyncio.run(scenario())


def test_a_callee_whom_no_agent_talks_to_hangs_up() -> None:
    async def scenario() -> None:
        async with livekit(script={NUMBER: TALK}) as lk:
            lk.simulator.set_knobs(callee_patience_s=20)
            await lk.dial(NUMBER)
            await until(lambda: lk.simulator.rings()[0].ended_at)

    asyncio.run(scenario())
