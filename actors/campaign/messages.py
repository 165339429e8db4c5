"""What a campaign's actor is told, and the census."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from actors.call import CallResult


@dataclass(frozen=True)
class PermitsGranted:
    """From its trunk: these calls may begin. A permit is the id of the call it allows. Good for the generation of the
    campaign's actor that wanted them."""

    trunk: str
    call_ids: tuple[UUID, ...]
    generation: int
    ahead: bool  # they were wanted for calls to be made ready


@dataclass(frozen=True)
class TrunkStarted:
    """From a trunk: it has just been started, and knows nobody's wants."""

    trunk: str


@dataclass(frozen=True)
class ProbeOffered:
    """From a trunk, to whichever campaign: this one call may begin through it although the breaker of `service` is not
    closed, to see whether it works again. Whoever has nobody to call through it answers `ProbeDeclined`."""

    trunk: str
    call_id: UUID
    service: str


@dataclass(frozen=True)
class CallBegan:
    """From a dialer, to campaign and trunk: the dial request leaves now."""

    call_id: UUID
    at: datetime


@dataclass(frozen=True)
class ReadyForSlot:
    """From a dialer whose call `waits`: everything is prepared, is there a slot? Answered by `SlotFree`, or by
    `DoNotBegin` if there will be none; asking again is harmless."""

    call_id: UUID


@dataclass(frozen=True)
class CalleeLeft:
    """From a dialer, to campaign and trunk: whom it called has hung up. Its slot is free; what came of the call is told
    later."""

    call_id: UUID
    told_at: float  # on the stopwatch


@dataclass(frozen=True)
class CallEnded:
    """From Calls, to campaign and trunk: a call is over. May be told again until its result is settled."""

    result: CallResult
    told_at: float | None = None  # on the stopwatch: when Calls learned of it; None: it is told again


@dataclass(frozen=True)
class CallNeverBegan:
    """From Calls: this call was claimed, and nobody will dial it any more."""

    call_id: UUID


@dataclass(frozen=True)
class TasksAdded:
    """Its list has grown."""


@dataclass(frozen=True)
class SettingsChanged:
    """Its row or its holds have changed: read them again."""


@dataclass(frozen=True)
class SlotsFreed:
    """Its company has fewer calls in progress than a moment ago."""


@dataclass(frozen=True)
class CallsInDoubt:
    """From Calls after a crash, or from the Reconciler: there may be calls of this campaign that nobody follows."""


@dataclass(frozen=True)
class HandOver:
    """From the Roster, at every look around: whether another supervisor is to have this campaign. If so, begin no new
    calls, and say when none is left."""

    wanted: bool


@dataclass(frozen=True)
class ServicesFailing:
    """From the breakers, to campaigns, trunks and the recordings' actor: nothing is begun that needs one of these
    services, until told otherwise; but for the one probe that was asked for."""

    services: frozenset[str]  # their breakers are not closed
    probing: frozenset[str]  # those of them that are half-open


@dataclass(frozen=True)
class CampaignsTaken:
    """From the Roster, to the census: there are campaigns worked here that were not a moment ago."""
