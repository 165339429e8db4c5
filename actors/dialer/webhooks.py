"""From LiveKit's events to messages for the dialer of the call they are about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from livekit.protocol.models import ParticipantInfo
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from actors.call import call_of_room
from actors.dialer.messages import Participant, ParticipantJoined, ParticipantLeft, RoomFinished

_AGENT = (ParticipantInfo.Kind.AGENT, "AGENT")
"""The kind as protobuf says it, and as JSON does."""


class _Room(BaseModel):
    name: str = ""


class _Participant(BaseModel):
    """By the names of `ParticipantInfo`; in JSON they are written otherwise."""

    model_config = ConfigDict(alias_generator=to_camel)

    identity: str = ""
    kind: str | int = ""
    joined_at: int = 0
    joined_at_ms: int = 0
    attributes: dict[str, str] = {}


class Event(BaseModel):
    """As much of a webhook's body as says something of a call: six or more come with each call, and to read a whole
    one as protobuf takes twenty times as long. `Event.model_validate_json` raises ValueError for what is no event."""

    event: str = ""
    room: _Room = _Room()
    participant: _Participant = _Participant()


class _Person(Protocol):
    """A participant, whether told by a webhook or by an answer."""

    @property
    def identity(self) -> str: ...
    @property
    def kind(self) -> str | int: ...
    @property
    def joined_at(self) -> int: ...
    @property
    def joined_at_ms(self) -> int: ...
    @property
    def attributes(self) -> Mapping[str, str]: ...


def read_event(event: Event) -> tuple[UUID, ParticipantJoined | ParticipantLeft | RoomFinished] | None:
    """The call that an event is about and what it says; None for rooms that are not ours and events of no interest."""
    call_id = call_of_room(event.room.name)
    if call_id is None:
        return None
    match event.event:
        case "participant_joined":
            return call_id, ParticipantJoined(read_participant(event.participant))
        case "participant_left" | "participant_connection_aborted":
            return call_id, ParticipantLeft(read_participant(event.participant))
        case "room_finished":
            return call_id, RoomFinished()
        case _:
            return None


def read_participant(participant: _Person) -> Participant:
    """A participant as we speak of one."""
    return Participant(
        identity=participant.identity,
        is_agent=participant.kind in _AGENT,
        joined_at=_instant(participant),
        attributes=dict(participant.attributes),
    )


def _instant(participant: _Person) -> datetime | None:
    if participant.joined_at_ms:
        return datetime.fromtimestamp(participant.joined_at_ms / 1000, UTC)
    if participant.joined_at:
        return datetime.fromtimestamp(participant.joined_at, UTC)
    return None
