"""What Calls, dialers and the Reconciler are told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from actors.blame import Fault
from actors.call import Call, CallResult, call_of_room
from actors.limiter import CallLimits
from actors.outcomes import Outcome

_INSTALLATION = "campaignd_installation"
"""In a room's metadata: the service of which database made it."""


def room_metadata(installation: str) -> str:
    """What a room says of the service that made it."""
    return json.dumps({_INSTALLATION: installation})


RETURN_WITHIN = timedelta(seconds=15)
"""A campaign whose lease was lost may be ours again: the Roster takes it when PostgreSQL is back, and may itself have
to be started again for that. So long everybody waits who follows its calls."""


# To Calls


@dataclass(frozen=True)
class PlaceCalls:
    """From a campaign: these attempts are claimed; dial them."""

    calls: tuple[Call, ...]


@dataclass(frozen=True)
class CallFinished:
    """From a dialer: its call is over."""

    result: CallResult


@dataclass(frozen=True)
class ResultsSettled:
    """From a campaign: these results are in the database; they need not be kept any longer."""

    call_ids: tuple[UUID, ...]


@dataclass(frozen=True)
class TakeOver:
    """From a campaign that has just started, or has its lease again, or was asked by `CallsInDoubt`: these are its
    unfinished calls. See to those that have no dialer, and tell it again the results it has not settled."""

    campaign_id: UUID
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class LetGo:
    """From the Roster or the campaign: it is not worked here any more, but by another supervisor or by nobody. Who
    follows its calls here stops, and no trunk keeps permits for it, unless it is ours again shortly; the calls go
    on."""

    campaign_id: UUID


@dataclass(frozen=True)
class NeverDialed:
    """From a dialer: its call was never dialed, and must not be dialed now; or it has been settled already."""

    call: Call


@dataclass(frozen=True)
class AreAllSettled:
    """From the edge, which asks: are there no results that a campaign has still to settle?"""


# To a dialer, from the gateway


@dataclass(frozen=True)
class RoomReady:
    """The room is there and the agent has been sent for."""


@dataclass(frozen=True)
class Refused:
    """LiveKit or the carrier said no, for certain: this attempt does not ring, or rang in vain."""

    outcome: Outcome
    error: str
    sip_status_code: int | None = None
    fault: Fault | None = None  # None: our own, or nobody's


@dataclass(frozen=True)
class Unclear:
    """No clear answer: the phone may have rung, may ring now, or may ring yet. Only LiveKit's rooms can tell."""

    error: str
    fault: Fault | None = None


@dataclass(frozen=True)
class Answered:
    """Somebody, or a machine, took the call."""

    sip_call_id: str


@dataclass(frozen=True)
class Participant:
    """A participant as LiveKit describes it."""

    identity: str
    is_agent: bool
    joined_at: datetime | None
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class RoomLooked:
    """Who is in the room now; a room that is not there is empty."""

    participants: tuple[Participant, ...]


@dataclass(frozen=True)
class LookFailed:
    """LiveKit could not be asked."""

    error: str


@dataclass(frozen=True)
class GatewayFailed:
    """The gateway itself is broken: nothing is known of what was asked of it."""

    error: str


# To the Reconciler, from the gateway


class Room(NamedTuple):
    """A room as LiveKit lists it: of a call of ours, of another installation like ours, or of anybody. There may be ten
    thousand: what they say is read of those that somebody asks about."""

    name: str
    metadata: str

    @property
    def call_id(self) -> UUID | None:
        """None: it is not a call's."""
        return call_of_room(self.name)

    @property
    def installation(self) -> str | None:
        """Whose service made it; None: not known."""
        try:
            metadata = json.loads(self.metadata)
        except ValueError:
            return None
        return metadata.get(_INSTALLATION) if isinstance(metadata, dict) else None


@dataclass(frozen=True)
class RoomsListed:
    """The rooms that there are now. A `LookFailed` says that they are not known."""

    rooms: tuple[Room, ...]


# To a dialer, from Calls


@dataclass(frozen=True)
class LeaseTaken:
    """The lease of its campaign was lost, and is ours again: what is written of the call carries this epoch now."""

    epoch: int


# To a dialer, from its campaign


@dataclass(frozen=True)
class SlotFree:
    """There is a slot for the call that waited for one, and its trunk has been asked whether it may begin."""

    freed_at: float | None  # on the stopwatch: when the call ended whose slot it was; None: it had long been free


# To a dialer, from its trunk


@dataclass(frozen=True)
class Begin:
    """Dial now, if other processes have left room within these limits, which are all of theirs together."""

    limits: CallLimits


@dataclass(frozen=True)
class DoNotBegin:
    """Do not dial: a service that the call needs fails, there is no slot for it, the trunk carries as many calls as it
    may, or the process drains. The call is given back."""


# To a dialer, from webhooks


@dataclass(frozen=True)
class ParticipantJoined:
    """Someone has come into the room. For the person called this does not mean that they have answered."""

    participant: Participant


@dataclass(frozen=True)
class ParticipantLeft:
    """Someone has left the room."""

    participant: Participant


@dataclass(frozen=True)
class RoomFinished:
    """The room is closed."""
