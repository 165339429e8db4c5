"""What LiveKit says of its recordings, in our words."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from google.protobuf.json_format import Parse, ParseError
from livekit.protocol.egress import EgressInfo, EgressStatus
from livekit.protocol.webhook import WebhookEvent

from actors.call import ROOM_PREFIX
from actors.foreign_text import keepable
from actors.recording.messages import Egress, EgressEnded, EgressState

EGRESS_ENDED = "egress_ended"
"""The event that tells of the end of a recording."""
_NANOSECONDS = 1_000_000_000
_WITH_FILE = (EgressStatus.EGRESS_COMPLETE, EgressStatus.EGRESS_LIMIT_REACHED)
_WITHOUT = (EgressStatus.EGRESS_FAILED, EgressStatus.EGRESS_ABORTED)
_BEST_FIRST = (EgressState.COMPLETE, EgressState.UNDER_WAY, EgressState.FAILED)


def read_egress_end(body: bytes) -> EgressEnded | None:
    """What an `EGRESS_ENDED` event says of the recording of a call; None when it says nothing of an end, or the room is
    not ours. Raises ValueError for what is no event."""
    try:
        event = Parse(body, WebhookEvent(), ignore_unknown_fields=True)
    except ParseError as error:
        raise ValueError(str(error)) from error
    egress = read_egress(event.egress_info)
    return None if egress is None or egress.state is EgressState.UNDER_WAY else EgressEnded(egress)


def read_egress(info: EgressInfo) -> Egress | None:
    """A recording as we speak of one; None for one of a room that is not ours."""
    try:
        call_id = UUID(info.room_name.removeprefix(ROOM_PREFIX))
    except ValueError:
        return None
    if not info.room_name.startswith(ROOM_PREFIX):
        return None
    status = EgressStatus.Name(info.status)
    if info.status in _WITHOUT:
        error = keepable(f"{status} {info.error}".rstrip())
        return Egress(call_id, info.egress_id, EgressState.FAILED, error)
    if info.status not in _WITH_FILE:
        return Egress(call_id, info.egress_id, EgressState.UNDER_WAY)
    if not info.file_results:
        return Egress(call_id, info.egress_id, EgressState.FAILED, f"{status} without a file")
    file = info.file_results[0]
    return Egress(
        call_id,
        info.egress_id,
        EgressState.COMPLETE,
        filename=file.filename,
        location=file.location,
        bytes=file.size or None,
        duration_s=file.duration / _NANOSECONDS,
    )


def best(infos: Iterable[EgressInfo]) -> Egress | None:
    """Of several recordings of one call, the one that has most to give; None of none."""
    found = [egress for info in infos if (egress := read_egress(info)) is not None]
    return min(found, key=lambda egress: _BEST_FIRST.index(egress.state), default=None)
