from __future__ import annotations

import asyncio

from livekit import api
from livekit_client import livekit, receiver, until

from supervisor.simulator import Answer

NUMBER = "+15550101"
SHORT = Answer(ring_s=3, talk_s=5)
WHOLE_CALL = [
    "room_started",
    "participant_joined",
    "participant_joined",
    "participant_left",
    "participant_left",
    "room_finished",
]


def test_a_call_is_told_from_beginning_to_end_in_order() -> None:
    async def scenario() -> None:
        async with receiver() as hooks, livekit(script={NUMBER: SHORT}, webhook_url=hooks.url) as lk:
            rooms = [f"room {n}" for n in range(10)]
            for room in rooms:
                await lk.create_room_with_agent(room)
            await asyncio.gather(*(lk.dial(NUMBER, room=room) for room in rooms))
            await until(lambda: len(hooks.of("room_finished")) == 10)
            for room in rooms:
                assert hooks.names(room) == WHOLE_CALL
            assert len({e.id for e in hooks.events}) == len(hooks.events)
            joined = hooks.of("participant_joined")
            assert {e.participant.kind for e in joined} == {api.ParticipantInfo.SIP, api.ParticipantInfo.AGENT}
            assert all(e.participant.joined_at and e.room.sid and e.created_at for e in joined)
            left = [e.participant for e in hooks.of("participant_left") if e.participant.kind == 3]
            assert {p.attributes["sip.callStatus"] for p in left} == {"hangup"}

    asyncio.run(scenario())


def test_a_refused_webhook_comes_again_with_the_same_id_before_the_next() -> None:
    async def scenario() -> None:
        async with receiver([503, 500, 429]) as hooks, livekit(webhook_url=hooks.url) as lk:
            await lk.create_room("room")
            await lk.delete_room("room")
            await until(lambda: len(hooks.events) == 5)
            assert hooks.names() == ["room_started"] * 4 + ["room_finished"]
            assert len({e.id for e in hooks.events}) == 2

    asyncio.run(scenario())


def test_after_five_attempts_a_webhook_is_given_up() -> None:
    async def scenario() -> None:
        async with receiver([503] * 5) as hooks, livekit(webhook_url=hooks.url) as lk:
            await lk.create_room("room")
            await lk.delete_room("room")
            await until(lambda: lk.simulator.state()["webhooks"]["pending"] == 0)
            assert hooks.names() == ["room_started"] * 5 + ["room_finished"]
            assert lk.simulator.state()["webhooks"] == {"refused": 1, "delivered": 1, "pending": 0}

    asyncio.run(scenario())


def test_any_other_4xx_counts_as_delivered() -> None:
    async def scenario() -> None:
        async with receiver([400, 401]) as hooks, livekit(webhook_url=hooks.url) as lk:
            await lk.create_room("room")
            await lk.delete_room("room")
            await until(lambda: lk.simulator.state()["webhooks"]["pending"] == 0)
            assert hooks.names() == ["room_started", "room_finished"]

    asyncio.run(scenario())


def test_webhooks_survive_a_receiver_that_is_away_for_a_moment() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            lk.simulator.set_webhook_url("http://127.0.0.1:9/")
            await lk.create_room("room")
            async with receiver() as hooks:
                lk.simulator.set_webhook_url(hooks.url)
                await until(lambda: hooks.names() == ["room_started"])

    asyncio.run(scenario())


def test_webhooks_can_come_twice_late_or_never() -> None:
    async def scenario() -> None:
        async with receiver() as hooks, livekit(webhook_url=hooks.url) as lk:
            lk.simulator.set_knobs(webhooks="twice")
            await lk.create_room("twice")
            await until(lambda: len(hooks.events) == 2)
            assert len({e.id for e in hooks.events}) == 1

            lk.simulator.set_knobs(webhooks="never")
            await lk.create_room("never")
            lk.simulator.set_knobs(webhooks="late", webhooks_late_s=60)
            began = asyncio.get_running_loop().time()
            await lk.create_room("late")
            await until(lambda: "room_started" in hooks.names("late"))
            assert asyncio.get_running_loop().time() - began > 0.25
            assert hooks.names("never") == []

    asyncio.run(scenario())


def test_events_of_a_room_that_wait_too_many_are_dropped_and_counted() -> None:
    async def scenario() -> None:
        async with receiver() as hooks, livekit(speed=20, webhook_url=hooks.url) as lk:
            lk.simulator.set_knobs(webhooks="late", webhooks_late_s=80)
            for _ in range(110):
                await lk.create_room("room")
                await lk.delete_room("room")
            assert lk.simulator.state()["webhooks"]["pending"] == 200
            lk.simulator.set_knobs(webhooks="normal")
            await until(lambda: lk.simulator.state()["webhooks"]["pending"] == 0)
            await lk.create_room("room")
            assert sum(e.num_dropped for e in hooks.events) == 20

    asyncio.run(scenario())
