"""What LiveKit's events say, and of which call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.json_format import MessageToJson
from livekit.protocol.egress import EgressInfo
from livekit.protocol.models import ParticipantInfo, Room
from livekit.protocol.webhook import WebhookEvent

from actors.call import call_of_room
from actors.dialer.messages import Participant, ParticipantJoined, ParticipantLeft, RoomFinished
from actors.dialer.webhooks import Event, read_event
from actors.ids import new_id
from tests.dialer.mailbox import a_call

CALL = replace(a_call(), call_id=UUID(int=7))  # the same in every process: it names parametrised tests
ROOM = Room(name=CALL.room)


def event(name: str, room: Room = ROOM, **participant: Any) -> Event:
    """As it comes: in protobuf's JSON."""
    return as_it_comes(WebhookEvent(event=name, room=room, participant=ParticipantInfo(**participant)))


def as_it_comes(said: WebhookEvent) -> Event:
    return Event.model_validate_json(MessageToJson(said))


CALLEE = {"identity": CALL.identity, "kind": ParticipantInfo.SIP, "attributes": {"sip.callStatus": "hangup"}}
AGENT = {"identity": "agent-1", "kind": ParticipantInfo.AGENT, "attributes": {"campaignd.outcome": "voicemail"}}
SEEN_CALLEE = Participant(CALL.identity, False, None, {"sip.callStatus": "hangup"})
SEEN_AGENT = Participant("agent-1", True, None, {"campaignd.outcome": "voicemail"})


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (event("participant_joined", **CALLEE), ParticipantJoined(SEEN_CALLEE)),
        (event("participant_joined", **AGENT), ParticipantJoined(SEEN_AGENT)),
        (event("participant_left", **CALLEE), ParticipantLeft(SEEN_CALLEE)),
        (event("participant_left", **AGENT), ParticipantLeft(SEEN_AGENT)),
        (event("participant_connection_aborted", **CALLEE), ParticipantLeft(SEEN_CALLEE)),
        (event("room_finished"), RoomFinished()),
    ],
    ids=lambda value: value.event if isinstance(value, Event) else "",
)
def test_an_event_in_a_calls_room_is_a_message_for_its_dialer(said: Event, message: object) -> None:
    assert read_event(said) == (CALL.call_id, message)


@pytest.mark.parametrize(
    "name",
    ["room_started", "track_published", "track_unpublished", "egress_updated", "agent_job_started", "of_next_year", ""],
)
def test_an_event_of_no_interest_is_no_message(name: str) -> None:
    assert read_event(event(name, **CALLEE)) is None


@pytest.mark.parametrize("name", ["egress_started", "egress_ended"])
def test_an_event_without_a_room_is_no_message(name: str) -> None:
    assert read_event(as_it_comes(WebhookEvent(event=name, egress_info=EgressInfo(room_name=CALL.room)))) is None


@pytest.mark.parametrize(
    "name",
    ["", "lobby", "campaignd-", "campaignd-lobby", f"other-{CALL.call_id}", f"{CALL.call_id}", f"x{CALL.room}",
     f"{CALL.room}-2", f"Campaignd-{CALL.call_id}"],
)  # fmt: skip
def test_a_room_that_is_not_ours_is_left_alone(name: str) -> None:
    assert call_of_room(name) is None
    assert read_event(event("room_finished", Room(name=name))) is None
    assert read_event(event("participant_left", Room(name=name), **CALLEE)) is None


def test_a_calls_room_names_the_call() -> None:
    call_id = new_id()
    assert call_of_room(a_call(call_id=call_id).room) == call_id


def test_when_someone_joined_is_known_to_the_millisecond_where_livekit_says_it() -> None:
    at = datetime(2026, 12, 1, 9, 0, 1, 250_000, UTC)
    exact = event("participant_joined", joined_at=int(at.timestamp()), joined_at_ms=int(at.timestamp() * 1000))
    older_server = event("participant_joined", joined_at=int(at.timestamp()))
    for said, joined_at in (
        (exact, at),
        (older_server, at.replace(microsecond=0)),
        (event("participant_joined"), None),
    ):
        read = read_event(said)
        assert read is not None and isinstance(read[1], ParticipantJoined)
        assert read[1].participant.joined_at == joined_at


def test_only_an_agent_is_one() -> None:
    for kind in ParticipantInfo.Kind.values():
        read = read_event(event("participant_joined", kind=kind))
        assert read is not None and isinstance(read[1], ParticipantJoined)
        assert read[1].participant.is_agent == (kind == ParticipantInfo.AGENT)


@pytest.mark.parametrize(("kind", "is_agent"), [("4", True), ("3", False), ("99", False)])
def test_a_kind_may_be_told_as_a_number(kind: str, is_agent: bool) -> None:
    """As protobuf's JSON may write every kind, and must write one that it has no name for."""
    said = f'{{"event": "participant_joined", "room": {{"name": "{CALL.room}"}}, "participant": {{"kind": {kind}}}}}'
    read = read_event(Event.model_validate_json(said))
    assert read is not None and isinstance(read[1], ParticipantJoined)
    assert read[1].participant.is_agent is is_agent
