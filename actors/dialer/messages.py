"""What Calls and dialers are told, and the values that describe a call on its way through the product."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from actors.blame import Fault
from actors.limiter import CallLimits
from actors.outcomes import Outcome
from actors.services import needed_services

ROOM_PREFIX = "campaignd-"
_INSTALLATION = "campaignd_installation"
"""In a room's metadata: the service of which database made it."""


def room_name(call_id: UUID) -> str:
    """The LiveKit room of the call with this id."""
    return f"{ROOM_PREFIX}{call_id}"


def call_of_room(room: str) -> UUID | None:
    """The call whose room this is; None for a room that is not a call's."""
    try:
        call_id = UUID(room.removeprefix(ROOM_PREFIX))
    except ValueError:
        return None
    return call_id if room == room_name(call_id) else None


def room_metadata(installation: str) -> str:
    """What a room says of the service that made it."""
    return json.dumps({_INSTALLATION: installation})


def agent_job(
    skillbase: Mapping[str, Any],
    call_id: UUID,
    campaign: str,
    *,
    phone_number: str,
    contact_name: str | None,
    contact_data: Mapping[str, Any],
) -> dict[str, Any]:
    """What an agent is told when it is sent for, as README promises: the skillbase's metadata, and whom it is for."""
    return {
        **skillbase,
        "call_id": str(call_id),
        "campaign": campaign,
        "phone_number": phone_number,
        "contact_name": contact_name,
        "contact_data": dict(contact_data),
    }


RETURN_WITHIN = timedelta(seconds=15)
"""A campaign whose lease was lost may be ours again: the Roster takes it when PostgreSQL is back, and may itself have
to be started again for that. So long everybody waits who follows its calls."""


@dataclass(frozen=True)
class Call:
    """One attempt at a task, as it was claimed. Its id names the room and the participant, so that what became of it
    can always be asked of LiveKit."""

    call_id: UUID
    task_id: UUID
    campaign_id: UUID
    epoch: int  # of the lease under which it is worked
    campaign: str  # its slug, or its id where it has none: for logs and metrics
    trunk: str
    attempt: int  # 1 for the first
    max_attempts: int | None  # the task's own, if it has one
    phone_number: str  # E.164
    contact_name: str | None
    contact_data: Mapping[str, Any]
    agent_name: str
    agent_metadata: Mapping[str, Any]
    ringing_timeout_s: int
    max_call_duration_s: int
    agent_timeout_s: float
    begin_before: datetime | None = None  # the window closes then
    recorded: bool = False
    probe: str | None = None  # the failing service that this one call is to try
    slot_freed_at: float | None = None  # on the stopwatch: when the call ended in whose slot this one begins
    slot_until_settled: bool = False  # its slot is its company's too, which counts what is in progress in PostgreSQL
    waits: bool = False  # there is no slot for it yet: it is made ready, and its campaign says when it may begin

    @property
    def needs(self) -> frozenset[str]:
        """The services without which it can't be what it should."""
        return needed_services(self.trunk, self.agent_name, recorded=self.recorded)

    @property
    def room(self) -> str:
        """The LiveKit room of this call."""
        return room_name(self.call_id)

    @property
    def identity(self) -> str:
        """The LiveKit identity of the person called."""
        return f"callee-{self.call_id}"


@dataclass(frozen=True)
class CallResult:
    """How a call ended; settled by its campaign, once."""

    call: Call
    outcome: Outcome
    ended_at: datetime
    error: str | None = None
    sip_status_code: int | None = None
    sip_call_id: str | None = None
    answered_at: datetime | None = None
    agent_joined_at: datetime | None = None
    dialing_at: datetime | None = None  # when the dial request left
    fault: Fault | None = None  # whose fault it was that nobody was reached; None: nobody's, or not known

    @property
    def is_abandoned(self) -> bool:
        """Whether somebody answered and had no agent as soon as they should have, though perhaps later. Who hung up
        before that says nothing of the agents."""
        joined_at = self.agent_joined_at if self.outcome is Outcome.ANSWERED else None
        waited_until = self.ended_at if self.outcome is Outcome.AGENT_FAILED else joined_at
        if self.answered_at is None or waited_until is None:
            return False
        waited = min(waited_until, self.ended_at) - self.answered_at
        return waited >= timedelta(seconds=self.call.agent_timeout_s)


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
class Seen:
    """A participant as LiveKit describes it."""

    identity: str
    is_agent: bool
    joined_at: datetime | None
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class RoomLooked:
    """Who is in the room now; a room that is not there is empty."""

    participants: tuple[Seen, ...]


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

    participant: Seen


@dataclass(frozen=True)
class ParticipantLeft:
    """Someone has left the room."""

    participant: Seen


@dataclass(frozen=True)
class RoomFinished:
    """The room is closed."""
