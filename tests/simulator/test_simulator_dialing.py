from __future__ import annotations

import asyncio

import pytest
from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit_client import livekit, receiver, until

from supervisor.simulator import Answer, Fail, NoAnswer, Refuse, Silence

NUMBER = "+15550101"
PREFIX = "twirp error unknown: "


def test_the_participant_is_in_the_room_before_the_phone_rings() -> None:
    async def scenario() -> None:
        async with livekit(speed=1) as lk:
            info = await lk.dial(NUMBER, wait=False)
            callee = (await lk.participants("room"))["callee"]
            assert lk.simulator.rings() == []
            assert callee.sid == info.participant_id
            assert callee.kind == api.ParticipantInfo.SIP
            assert dict(callee.attributes) == {
                "sip.callID": info.sip_call_id,
                "sip.callStatus": "dialing",
                "sip.phoneNumber": NUMBER,
                "sip.trunkID": "ST_main",
                "sip.trunkPhoneNumber": "+15550100",
                "sip.hostname": "sip.example.com",
            }

    asyncio.run(scenario())


def test_the_status_goes_from_dialing_to_ringing_to_active_to_hangup() -> None:
    async def scenario() -> None:
        script = {NUMBER: Answer(ring_s=6, talk_s=20)}
        async with receiver() as hooks, livekit(speed=20, script=script, webhook_url=hooks.url) as lk:
            await lk.create_room_with_agent("room")
            dial = asyncio.create_task(lk.dial(NUMBER))
            seen: list[str | None] = []
            while "active" not in seen:
                status = await lk.status("room")
                if status and status not in seen:
                    seen.append(status)
            assert seen == ["dialing", "ringing", "active"]
            await dial
            await until(lambda: [e for e in hooks.of("participant_left") if e.participant.kind == 3])
            callee = hooks.of("participant_left")[0].participant
            assert callee.attributes["sip.callStatus"] == "hangup"
            assert callee.disconnect_reason == api.DisconnectReason.CLIENT_INITIATED

    asyncio.run(scenario())


def test_a_waiting_dial_returns_at_the_answer_and_another_at_once() -> None:
    async def scenario() -> None:
        async with livekit(script={NUMBER: Answer(ring_s=4, talk_s=1000)}) as lk:
            await lk.dial(NUMBER, room="waited")
            assert await lk.status("waited") == "active"
            lk.simulator.set_script({NUMBER: NoAnswer()})
            await lk.dial(NUMBER, room="not waited", wait=False)
            assert await lk.status("not waited") in ("dialing", "ringing")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("code", "status", "twirp", "http", "reason"),
    [
        (486, "Busy Here", "resource_exhausted", 429, api.DisconnectReason.USER_REJECTED),
        (480, "Temporarily Unavailable", "resource_exhausted", 429, api.DisconnectReason.USER_UNAVAILABLE),
        (404, "Not Found", "not_found", 404, api.DisconnectReason.USER_UNAVAILABLE),
        (603, "Decline", "permission_denied", 403, api.DisconnectReason.USER_REJECTED),
        (403, "Forbidden", "permission_denied", 403, api.DisconnectReason.USER_REJECTED),
        (503, "Service Unavailable", "failed_precondition", 412, api.DisconnectReason.CLIENT_INITIATED),
        (499, "Whatever", "invalid_argument", 400, api.DisconnectReason.USER_REJECTED),
    ],
)
def test_a_refused_call_carries_its_sip_status_and_a_lossy_reason(
    code: int, status: str, twirp: str, http: int, reason: api.DisconnectReason
) -> None:
    async def scenario() -> None:
        script = {NUMBER: Refuse(code, status)}
        async with receiver() as hooks, livekit(script=script, webhook_url=hooks.url) as lk:
            error = await lk.refusal(NUMBER)
            assert isinstance(error, api.SipCallError)
            assert (error.sip_status_code, error.sip_status) == (code, status)
            assert (error.code, error.status) == (twirp, http)
            assert error.message.startswith(PREFIX)
            await until(lambda: hooks.of("participant_left"))
            callee = hooks.of("participant_left")[0].participant
            assert callee.disconnect_reason == reason
            # Only a call that was up is hung up.
            assert callee.attributes["sip.callStatus"] == "dialing"

    asyncio.run(scenario())


def test_a_ring_window_that_is_over_has_no_sip_status() -> None:
    async def scenario() -> None:
        async with receiver() as hooks, livekit(script={NUMBER: NoAnswer()}, webhook_url=hooks.url) as lk:
            error = await lk.refusal(NUMBER, ringing_s=20)
            assert not isinstance(error, api.SipCallError)
            assert (error.code, error.message) == ("canceled", PREFIX + "sip request timed out")
            await until(lambda: hooks.of("participant_left"))
            assert hooks.of("participant_left")[0].participant.disconnect_reason == (
                api.DisconnectReason.USER_UNAVAILABLE
            )

    asyncio.run(scenario())


def test_a_phone_that_would_be_answered_after_the_ring_window_is_not() -> None:
    async def scenario() -> None:
        async with livekit(script={NUMBER: Answer(ring_s=25)}) as lk:
            assert (await lk.refusal(NUMBER, ringing_s=20)).code == "canceled"

    asyncio.run(scenario())


def test_a_waiting_dial_ends_after_80_seconds_and_another_rings_on() -> None:
    async def scenario() -> None:
        async with livekit(speed=400, script={NUMBER: NoAnswer()}) as lk:
            await lk.dial(NUMBER, room="not waited", wait=False, ringing_s=10_000)
            error = await lk.refusal(NUMBER, ringing_s=120)
            assert (error.code, error.message) == ("deadline_exceeded", PREFIX + "request timed out")
            assert await lk.status("room") is None
            assert await lk.status("not waited") == "ringing"

    asyncio.run(scenario())


def test_the_dial_goes_on_when_the_client_leaves() -> None:
    async def scenario() -> None:
        async with livekit(speed=20, script={NUMBER: Answer(ring_s=5, talk_s=1000)}) as lk:
            dial = asyncio.create_task(lk.dial(NUMBER))
            await until(lk.simulator.rings)
            dial.cancel()
            await until(lambda: lk.simulator.rings()[0].answered_at)
            assert await lk.status("room") == "active"
            assert len(lk.simulator.rings()) == 1

    asyncio.run(scenario())


def test_the_same_identity_in_the_same_room_hangs_the_first_call_up() -> None:
    async def scenario() -> None:
        script = {NUMBER: Answer(ring_s=1, talk_s=1000)}
        async with receiver() as hooks, livekit(script=script, webhook_url=hooks.url) as lk:
            first = await lk.dial(NUMBER)
            second = await lk.dial(NUMBER)
            await until(lambda: hooks.of("participant_left"))
            left = hooks.of("participant_left")[0].participant
            assert (left.sid, left.disconnect_reason) == (
                first.participant_id,
                api.DisconnectReason.DUPLICATE_IDENTITY,
            )
            assert (await lk.participants("room"))["callee"].sid == second.participant_id
            assert lk.simulator.state()["repeated_attempts"] == [["room", "callee", 2]]
            assert [ring.ended_at is None for ring in lk.simulator.rings()] == [False, True]

    asyncio.run(scenario())


def test_a_participant_removed_while_it_rings_ends_the_dial_as_if_it_had_rung_out() -> None:
    async def scenario() -> None:
        async with livekit(script={NUMBER: NoAnswer()}) as lk:
            dial = asyncio.create_task(lk.refusal(NUMBER))
            await until(lk.simulator.rings)
            await lk.remove("room")
            error = await dial
            assert (error.code, error.message) == ("canceled", PREFIX + "sip request timed out")

    asyncio.run(scenario())


def test_a_call_removed_before_its_invite_never_rings() -> None:
    async def scenario() -> None:
        async with livekit(speed=1) as lk:
            await lk.dial(NUMBER, wait=False)
            await lk.delete_room("room")
            assert lk.simulator.state()["rings"] == 0

    asyncio.run(scenario())


def test_a_call_is_cut_at_its_longest_duration() -> None:
    async def scenario() -> None:
        async with receiver() as hooks, livekit(webhook_url=hooks.url) as lk:
            lk.simulator.set_script({NUMBER: Answer(ring_s=1, talk_s=100_000, ended_by="agent_deletes_room")})
            await lk.create_room_with_agent("room")
            await lk.dial(NUMBER, max_call_duration=Duration(seconds=60))
            await until(lambda: hooks.of("participant_left"))
            callee = hooks.of("participant_left")[0].participant
            assert callee.disconnect_reason == api.DisconnectReason.CLIENT_INITIATED
            assert callee.attributes["sip.callStatus"] == "hangup"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"sip_trunk_id": "unknown"}, "not_found", "requested sip trunk does not exist"),
        ({"sip_trunk_id": ""}, "invalid_argument", "missing sip trunk id and sip number"),
        ({"number": ""}, "invalid_argument", "missing sip callee number"),
        (
            {"number": "+1555@sip.example.com"},
            "invalid_argument",
            "SipCallTo should be a phone number or SIP user, not a full SIP URI",
        ),
        ({"room": ""}, "invalid_argument", "missing room name"),
    ],
)
def test_what_can_not_be_dialed_is_refused_before_anything_happens(
    fields: dict[str, str], code: str, message: str
) -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            error = await lk.refusal(**{"number": NUMBER, **fields})
            assert (error.code, error.message) == (code, message)
            assert await lk.rooms() == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("behaviour", "code", "message"),
    [
        (Silence(), "canceled", "transaction failed to complete (0 intermediate responses)"),
        (Silence(responses=2), "canceled", "transaction failed to complete (2 intermediate responses)"),
        (Fail("failed_precondition", "no media"), "failed_precondition", "no media"),
    ],
)
def test_failures_without_a_sip_status(behaviour: Silence | Fail, code: str, message: str) -> None:
    async def scenario() -> None:
        async with livekit(script={NUMBER: behaviour}) as lk:
            error = await lk.refusal(NUMBER, ringing_s=60)
            assert not isinstance(error, api.SipCallError)
            assert (error.code, error.message) == (code, PREFIX + message)

    asyncio.run(scenario())


def test_a_trunk_takes_so_many_calls_at_once_and_says_so() -> None:
    async def scenario() -> None:
        async with livekit(script={NUMBER: Answer(ring_s=1, talk_s=10_000)}) as lk:
            lk.simulator.set_knobs(max_concurrent_calls=2)
            await lk.dial(NUMBER, room="one")
            await lk.dial(NUMBER, room="two")
            error = await lk.refusal(NUMBER, room="three")
            assert isinstance(error, api.SipCallError)
            assert error.sip_status_code == 503
            assert "concurrent call limit exceeded" in (error.sip_status or "").lower()
            await lk.dial(NUMBER, room="four", sip_trunk_id="ST_another")
            await lk.delete_room("one")
            await lk.dial(NUMBER, room="five")
            state = lk.simulator.state()
            assert (state["rings"], state["refused_by_trunk"], state["max_calls_in_progress"]) == (4, 1, 3)
            assert state["trunks"]["ST_main"]["max_calls_in_progress"] == 2

    asyncio.run(scenario())


def test_a_trunk_takes_so_many_calls_a_second() -> None:
    async def scenario() -> None:
        async with livekit(speed=4, script={NUMBER: Answer(ring_s=0, talk_s=10_000)}) as lk:
            lk.simulator.set_knobs(calls_per_second=3)
            dials = await asyncio.gather(*(lk.dial(NUMBER, room=f"room {n}") for n in range(5)), return_exceptions=True)
            errors = [d for d in dials if isinstance(d, api.SipCallError)]
            assert [(e.sip_status_code, (e.sip_status or "").lower()) for e in errors] == [
                (503, "trunk cps limit exceeded")
            ] * 2

    asyncio.run(scenario())


def test_trunks_are_listed_in_the_order_asked_for_with_blanks_for_those_missing() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            lk.simulator.set_knobs(trunks=("ST_a", "ST_b"))
            listed = await lk.api.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
            assert [t.sip_trunk_id for t in listed.items] == ["ST_a", "ST_b"]
            request = api.ListSIPOutboundTrunkRequest(trunk_ids=["ST_b", "ST_c"])
            listed = await lk.api.sip.list_outbound_trunk(request)
            assert [t.sip_trunk_id for t in listed.items] == ["ST_b", ""]
            assert (await lk.refusal(NUMBER, sip_trunk_id="ST_c")).code == "not_found"

    asyncio.run(scenario())


def test_hundreds_of_waiting_dials_are_kept_apart() -> None:
    async def scenario() -> None:
        async with livekit(speed=40) as lk:
            numbers = [f"+1555{n:07}" for n in range(200)]
            await asyncio.gather(*(lk.dial(n, room=n) for n in numbers), return_exceptions=True)
            rings = lk.simulator.rings()
            assert sorted(ring.room for ring in rings) == numbers
            assert {ring.nth for ring in rings} == {1}
            assert all(ring.result for ring in rings)
            assert lk.simulator.state()["repeated_attempts"] == []

    asyncio.run(scenario())
