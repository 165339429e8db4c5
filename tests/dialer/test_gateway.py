"""The gateway as it runs: LiveKit's client on a real event loop thread, against a LiveKit that fails in every way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from livekit import api
from structlog.testing import capture_logs

from actors.addresses import Directory
from actors.call import Call
from actors.dialer.gateway import Gateway, Line
from actors.dialer.messages import Answered, GatewayFailed, LookFailed, Refused, RoomLooked, RoomReady, Unclear
from actors.outcomes import Outcome
from supervisor.simulator import Answer, Fail, NoAnswer, Outage, Refuse, Silence, SimulatorThread
from supervisor.tree.loop import LoopThread
from tests.dialer.livekit_stub import Canned, Stub
from tests.dialer.mailbox import Mailbox, a_call, mailbox
from tests.waiting import wait_until
from tests.world import KEY, SECRET

NUMBER = "+79450000000"
DIAL = "SIP/CreateSIPParticipant"
LINES = {"main": Line("ST_main", "+74951234567")}


@contextmanager
def gateway_to(loop: LoopThread, directory: Directory, url: str, secret: str = SECRET) -> Iterator[Gateway]:
    """A gateway with short time limits: a second for everything but a dial, and for a dial on top of its ringing."""
    gateway = Gateway(loop, directory, url, KEY, secret, LINES, "here", control_timeout_s=1, dial_grace_s=1)
    loop.run(gateway.open(), 5)
    try:
        yield gateway
    finally:
        loop.run(gateway.close(), 5)


def dial(gateway: Gateway, call: Call, decided_s_ago: float = 0) -> None:
    gateway.dial(call, time.monotonic() - decided_s_ago)


@pytest.fixture
def directory() -> Directory:
    return Directory()


@pytest.fixture
def gateway(loop: LoopThread, directory: Directory, livekit: SimulatorThread) -> Iterator[Gateway]:
    with gateway_to(loop, directory, livekit.url) as made:
        yield made


@pytest.fixture
def stub(loop: LoopThread) -> Iterator[Stub]:
    made = Stub()
    loop.run(made.start(), 5)
    yield made
    loop.run(made.stop(), 5)


@pytest.fixture
def to_stub(loop: LoopThread, directory: Directory, stub: Stub) -> Iterator[Gateway]:
    with gateway_to(loop, directory, stub.url) as made:
        yield made


@pytest.fixture
def call() -> Call:
    return a_call(NUMBER)


@pytest.fixture
def dialer(directory: Directory, call: Call) -> Mailbox:
    """The dialer of `call`."""
    return mailbox(directory, call.call_id)


# What a dial ends in


def test_an_answered_dial_tells_the_sip_call(
    gateway: Gateway, livekit: SimulatorThread, call: Call, dialer: Mailbox
) -> None:
    livekit.set_script({NUMBER: Answer(ring_s=1, talk_s=1000)})
    dial(gateway, call)
    answered = dialer.next(Answered)
    (ring,) = livekit.rings()
    assert answered.sip_call_id == ring.sip_call_id


@pytest.mark.parametrize(
    ("behaviour", "outcome", "status"),
    [
        (Refuse(486, "Busy Here"), Outcome.BUSY, 486),
        (Refuse(480, "Temporarily Unavailable", rings=True), Outcome.NO_ANSWER, 480),
        (Refuse(603, "Decline", rings=True), Outcome.REJECTED, 603),
        (Refuse(404, "Not Found"), Outcome.INVALID_NUMBER, 404),
        (Refuse(503, "Service Unavailable"), Outcome.TRUNK_FAILED, 503),
        (Refuse(503, "Trunk CPS limit exceeded"), Outcome.RATE_LIMITED, 503),
        (NoAnswer(), Outcome.NO_ANSWER, None),
        (Silence(responses=0), Outcome.TRUNK_FAILED, None),
        (Silence(responses=2, after_s=20), Outcome.NO_ANSWER, None),
        (Fail("failed_precondition", "no numbers on outbound trunk"), Outcome.TRUNK_FAILED, None),
        (Fail("unavailable", "no response from servers"), Outcome.ERROR, None),
    ],
    ids=str,
)
def test_a_dial_that_certainly_failed_is_refused(
    gateway: Gateway,
    livekit: SimulatorThread,
    directory: Directory,
    behaviour: Refuse | NoAnswer | Silence | Fail,
    outcome: Outcome,
    status: int | None,
) -> None:
    call = a_call(NUMBER, ringing_timeout_s=40)
    dialer = mailbox(directory, call.call_id)
    livekit.set_script({NUMBER: behaviour})
    dial(gateway, call)
    refused = dialer.next(Refused)
    assert (refused.outcome, refused.sip_status_code) == (outcome, status)


@pytest.mark.parametrize(
    ("outage", "kind"),
    [
        (Outage("http", 401), Outcome.ERROR),  # text/plain
        (Outage("http", 403), Outcome.ERROR),
        (Outage("http", 429), Outcome.RATE_LIMITED),
        (Outage("http", 503), Outcome.ERROR),  # "no response from servers"
        (Outage("http", 404), Outcome.TRUNK_FAILED),
        (Outage("http", 502), None),  # HTML
        (Outage("http", 503, body="html"), None),
        (Outage("http", 500), None),
        (Outage("http", 408), None),  # deadline_exceeded
        (Outage("refuse"), None),
        (Outage("cut"), None),
    ],
    ids=lambda value: f"{value.mode} {value.status} {value.body_kind}" if isinstance(value, Outage) else "",
)
def test_an_outage_is_refused_only_where_nothing_can_have_been_dialed(
    gateway: Gateway, livekit: SimulatorThread, call: Call, dialer: Mailbox, outage: Outage, kind: Outcome | None
) -> None:
    livekit.set_knobs(outages={DIAL: outage})
    dial(gateway, call)
    if kind is None:
        dialer.next(Unclear)
    else:
        assert dialer.next(Refused).outcome is kind
    assert len(livekit.rings()) == (outage.mode == "cut")


def test_a_dial_cut_after_it_was_begun_is_unclear_and_is_not_repeated(
    gateway: Gateway, livekit: SimulatorThread, call: Call, dialer: Mailbox
) -> None:
    livekit.set_script({NUMBER: Answer(ring_s=1, talk_s=1000)})
    livekit.set_knobs(outages={DIAL: Outage("cut")})
    dial(gateway, call)
    dialer.next(Unclear)
    assert [(ring.number, ring.room) for ring in livekit.rings()] == [(NUMBER, call.room)]
    assert livekit.state()["requests"][DIAL] == 1


def test_a_refused_connection_is_certainly_not_dialed(
    gateway: Gateway, livekit: SimulatorThread, call: Call, dialer: Mailbox
) -> None:
    livekit.go_down()
    dial(gateway, call)
    refused = dialer.next(Refused)
    assert refused.outcome is Outcome.ERROR and "could not reach LiveKit" in refused.error
    livekit.come_back()
    dial(gateway, call)
    dialer.next(Answered)


def test_a_dial_that_is_never_answered_is_unclear_after_its_ringing_and_some_grace(
    gateway: Gateway, livekit: SimulatorThread, directory: Directory
) -> None:
    """LiveKit's client has no working time limit of its own."""
    call = a_call(NUMBER, ringing_timeout_s=0)
    dialer = mailbox(directory, call.call_id)
    livekit.set_knobs(outages={DIAL: Outage("hang")})
    began = time.monotonic()
    dial(gateway, call)
    unclear = dialer.next(Unclear, timeout_s=5)
    assert 1 <= time.monotonic() - began < 3
    assert "TimeoutError" in unclear.error


def test_an_answer_that_can_not_be_read_is_unclear(to_stub: Gateway, stub: Stub, call: Call, dialer: Mailbox) -> None:
    stub.answers["CreateSIPParticipant"] = Canned(200, b"<html>Please log in</html>", "text/html")
    dial(to_stub, call)
    dialer.next(Unclear)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"no"', b"{", b'{"code": null}', b'{"code": "unavailable", "msg": null}']
)
def test_an_error_answer_in_strange_json_is_no_bug_of_ours(
    to_stub: Gateway, stub: Stub, call: Call, dialer: Mailbox, body: bytes
) -> None:
    """LiveKit's client trips over an answer whose JSON is no object; a proxy may give one at any time."""
    for method in ("CreateSIPParticipant", "CreateRoom", "ListParticipants"):
        stub.answers[method] = Canned(502, body, "application/json")
    dial(to_stub, call)
    dialer.next(Unclear)
    to_stub.create_room(call)
    assert dialer.next(Refused).outcome is Outcome.ERROR
    to_stub.look(call)
    dialer.next(LookFailed)


def test_a_wrong_secret_is_an_error_and_nothing_rings(
    loop: LoopThread, directory: Directory, livekit: SimulatorThread, call: Call, dialer: Mailbox
) -> None:
    with gateway_to(loop, directory, livekit.url, "another-secret-that-is-long-enough-for-sha256") as gateway:
        dial(gateway, call)
        refused = dialer.next(Refused)
    assert refused.outcome is Outcome.ERROR and "401" in refused.error
    assert livekit.rings() == []


def test_a_process_that_stood_still_since_it_decided_to_dial_does_not(
    gateway: Gateway, livekit: SimulatorThread, call: Call, dialer: Mailbox
) -> None:
    """Its lease may have run out meanwhile, and another have taken the call over."""
    dial(gateway, call, decided_s_ago=6)
    refused = dialer.next(Refused)
    assert refused.outcome is Outcome.ERROR and "not dialed" in refused.error
    assert DIAL not in livekit.state()["requests"]


# What is asked


def test_a_dial_carries_the_calls_own_values(to_stub: Gateway, stub: Stub, directory: Directory) -> None:
    call = a_call(NUMBER, ringing_timeout_s=17, max_call_duration_s=345)
    dialer = mailbox(directory, call.call_id)
    dial(to_stub, call)
    dialer.next(Answered)
    (asked,) = stub.dials
    assert asked.sip_call_to == NUMBER
    assert (asked.sip_trunk_id, asked.sip_number) == ("ST_main", "+74951234567")
    assert (asked.room_name, asked.participant_identity) == (f"campaignd-{call.call_id}", f"callee-{call.call_id}")
    assert asked.ringing_timeout.ToSeconds() == 17
    assert asked.max_call_duration.ToSeconds() == 345
    assert asked.wait_until_answered


def test_the_room_sends_for_the_agent_and_tells_it_whom_it_talks_to(
    to_stub: Gateway, stub: Stub, call: Call, dialer: Mailbox
) -> None:
    to_stub.create_room(call)
    dialer.next(RoomReady)
    room = stub.asked("CreateRoom", api.CreateRoomRequest)
    assert room.name == call.room
    (agent,) = room.agents
    assert agent.agent_name == "renewals-agent"
    assert json.loads(agent.metadata) == {
        "language": "ru",
        "call_id": str(call.call_id),
        "campaign": "spring",
        "phone_number": NUMBER,
        "contact_name": "Anna",
        "contact_data": {"city": "Москва", "debt": 12.5},
    }


def test_a_skillbases_metadata_can_not_pass_for_the_calls(to_stub: Gateway, stub: Stub, directory: Directory) -> None:
    call = a_call(NUMBER, agent_metadata={"phone_number": "+70000000000", "language": "ru"})
    dialer = mailbox(directory, call.call_id)
    to_stub.create_room(call)
    dialer.next(RoomReady)
    (agent,) = stub.asked("CreateRoom", api.CreateRoomRequest).agents
    assert json.loads(agent.metadata)["phone_number"] == NUMBER


# Rooms


@pytest.mark.parametrize(
    ("outage", "outcome"),
    [
        (Outage("http", 401), Outcome.ERROR),
        (Outage("http", 403), Outcome.ERROR),
        (Outage("http", 429), Outcome.RATE_LIMITED),
        (Outage("http", 502), Outcome.ERROR),
        (Outage("http", 503), Outcome.ERROR),
        (Outage("refuse"), Outcome.ERROR),
        (Outage("cut"), Outcome.ERROR),
        (Outage("hang"), Outcome.ERROR),
    ],
    ids=lambda value: f"{value.mode} {value.status}" if isinstance(value, Outage) else "",
)
def test_a_room_that_could_not_be_made_is_refused_since_nothing_was_dialed(
    gateway: Gateway, livekit: SimulatorThread, call: Call, dialer: Mailbox, outage: Outage, outcome: Outcome
) -> None:
    livekit.set_knobs(outages={"RoomService/CreateRoom": outage})
    gateway.create_room(call)
    assert dialer.next(Refused, timeout_s=5).outcome is outcome


def test_a_look_shows_who_is_in_the_room(
    gateway: Gateway, livekit: SimulatorThread, call: Call, dialer: Mailbox
) -> None:
    livekit.set_script({NUMBER: Answer(ring_s=1, talk_s=1000)})
    gateway.create_room(call)
    dialer.next(RoomReady)
    dial(gateway, call)
    dialer.next(Answered)

    def look() -> tuple[bool, bool]:
        gateway.look(call)
        seen = dialer.next(RoomLooked).participants
        callee = any(who.identity == call.identity and who.attributes["sip.callStatus"] == "active" for who in seen)
        return callee, any(who.is_agent for who in seen)

    wait_until(lambda: look() == (True, True))
    gateway.delete_room(call.room)
    wait_until(lambda: look() == (False, False))
    assert livekit.state()["rooms"] == 0


def test_a_room_that_is_gone_is_an_empty_one_and_not_a_failed_look(
    gateway: Gateway, livekit: SimulatorThread, call: Call, dialer: Mailbox
) -> None:
    livekit.set_knobs(outages={"RoomService/ListParticipants": Outage("http", 404)})
    gateway.look(call)
    assert dialer.next(RoomLooked).participants == ()


@pytest.mark.parametrize(
    "outage",
    [Outage("http", 401), Outage("http", 429), Outage("http", 502), Outage("http", 503), Outage("refuse"),
     Outage("cut"), Outage("hang")],
    ids=lambda outage: f"{outage.mode} {outage.status}",
)  # fmt: skip
def test_a_look_that_fails_says_so_and_nothing_about_the_room(
    gateway: Gateway, livekit: SimulatorThread, call: Call, dialer: Mailbox, outage: Outage
) -> None:
    livekit.set_knobs(outages={"RoomService/ListParticipants": outage})
    gateway.look(call)
    assert dialer.next(LookFailed, timeout_s=5).error


@pytest.mark.parametrize(
    "outage", [Outage("http", 401), Outage("http", 502), Outage("refuse"), Outage("hang")], ids=str
)
def test_a_room_that_could_not_be_deleted_is_logged_and_tells_nobody(
    gateway: Gateway, livekit: SimulatorThread, call: Call, dialer: Mailbox, outage: Outage
) -> None:
    livekit.set_knobs(outages={"RoomService/DeleteRoom": outage})
    with capture_logs() as logs:
        gateway.delete_room(call.room)
        wait_until(lambda: [entry["event"] for entry in logs] == ["room_not_deleted"])
    assert logs[0]["room"] == call.room
    assert dialer.empty


def test_deleting_a_room_that_is_gone_is_a_success(gateway: Gateway, livekit: SimulatorThread, call: Call) -> None:
    with capture_logs() as logs:
        gateway.delete_room(call.room)
        wait_until(lambda: livekit.state()["requests"].get("RoomService/DeleteRoom"))
        gateway.look(call)  # on the same loop, behind it
        wait_until(lambda: livekit.state()["requests"].get("RoomService/ListParticipants"))
    assert not [entry for entry in logs if entry["event"] == "room_not_deleted"]


# Many at once


def test_three_hundred_dials_do_not_wait_for_one_another_and_control_does_not_wait_for_them(
    loop: LoopThread, directory: Directory
) -> None:
    """aiohttp's pool has 100 connections unless it is told otherwise, and each dial holds one while it rings."""
    calls = [a_call(f"+7945100{n:04d}", ringing_timeout_s=60) for n in range(300)]
    script = {call.phone_number: Answer(ring_s=59, talk_s=1) for call in calls}
    with (
        SimulatorThread(api_key=KEY, api_secret=SECRET, script=script) as livekit,
        gateway_to(loop, directory, livekit.url) as gateway,
    ):
        dialers = [mailbox(directory, call.call_id) for call in calls]
        for call in calls:
            dial(gateway, call)
        wait_until(lambda: livekit.state()["calls_in_progress"] == 300)
        asked = mailbox(directory, calls[0].call_id)
        gateway.look(calls[0])
        (callee,) = asked.next(RoomLooked, timeout_s=1).participants
        assert callee.identity == calls[0].identity
        assert livekit.state()["calls_in_progress"] == 300
        assert all(dialer.empty for dialer in dialers), "a dial was answered: the test was too slow"
        livekit.go_down()  # so that nobody is left waiting


# What must not happen


def test_a_bug_in_the_gateway_reaches_the_dialer(gateway: Gateway, directory: Directory) -> None:
    call = a_call(NUMBER, trunk="a trunk that is not configured")
    dialer = mailbox(directory, call.call_id)
    dial(gateway, call)
    assert "KeyError" in dialer.next(GatewayFailed).error


def test_a_request_that_can_not_be_made_reaches_the_dialer(gateway: Gateway, directory: Directory) -> None:
    call = a_call(NUMBER, contact_data={"when": object()})
    dialer = mailbox(directory, call.call_id)
    gateway.create_room(call)
    assert "TypeError" in dialer.next(GatewayFailed).error


@pytest.mark.parametrize(
    ("ask", "logged"), [(dial, ["gateway_answer_without_asker"]), (Gateway.look, [])], ids=["dial", "look"]
)
def test_an_answer_for_a_dialer_that_is_gone_is_logged_where_it_matters(
    gateway: Gateway, livekit: SimulatorThread, call: Call, ask: Callable[[Gateway, Call], None], logged: list[str]
) -> None:
    livekit.set_script({NUMBER: Refuse(486, "Busy Here")})
    with capture_logs() as logs:
        ask(gateway, call)
        answered = a_call()
        behind = gateway_answers(gateway, livekit, answered)
        wait_until(lambda: behind() and len(logs) >= len(logged))
    assert [entry["event"] for entry in logs if entry["event"] == "gateway_answer_without_asker"] == logged


def gateway_answers(gateway: Gateway, livekit: SimulatorThread, call: Call) -> Callable[[], bool]:
    """Ask something that leaves a trace, so that a test can wait for what was asked before it."""
    gateway.delete_room(call.room)
    return lambda: livekit.state()["requests"].get("RoomService/DeleteRoom", 0) > 0
