"""From LiveKit's events to messages for the dialer of the call they are about."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from livekit.protocol.models import ParticipantInfo
from livekit.protocol.webhook import WebhookEvent

from actors.dialer.messages import ROOM_PREFIX, ParticipantJoined, ParticipantLeft, RoomFinished, Seen


def read_event(event: WebhookEvent) -> tuple[UUID, ParticipantJoined | ParticipantLeft | RoomFinished] | None:
    """The call that an event is about and what it says; None for rooms that are not ours and events of no interest."""
    call_id = call_of_room(event.room.name)
    if call_id is None:
        return None
    match event.event:
        case "participant_joined":
            return call_id, ParticipantJoined(seen(event.participant))
        case "participant_left" | "participant_connection_aborted":
            return call_id, ParticipantLeft(seen(event.participant))
        case "room_finished":
            return call_id, RoomFinished()
        case _:
            return None


def call_of_room(room: str) -> UUID | None:
    """The call whose room this is; None for a room that is not ours."""
    if not room.startswith(ROOM_PREFIX):
        return None
    try:
        return UUID(room.removeprefix(ROOM_PREFIX))
    except ValueError:
        return None


def seen(participant: ParticipantInfo) -> Seen:
    """A participant as we speak of one."""
    return Seen(
        identity=participant.identity,
        is_agent=participant.kind == ParticipantInfo.Kind.AGENT,
        joined_at=_instant(participant),
        attributes=dict(participant.attributes),
    )


def _instant(participant: ParticipantInfo) -> datetime | None:
    if participant.joined_at_ms:
        return datetime.fromtimestamp(participant.joined_at_ms / 1000, UTC)
    if participant.joined_at:
        return datetime.fromtimestamp(participant.joined_at, UTC)
    return None
