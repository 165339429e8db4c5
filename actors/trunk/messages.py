"""What a trunk's actor is told. A permit is the id of the call that it allows to begin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from actors.limiter import CallLimits


@dataclass(frozen=True)
class PermitsWanted:
    """From a campaign: it could begin so many more calls than it said before, or, if negative, so many fewer. `anew`:
    so many, whatever it said before."""

    campaign_id: UUID
    generation: int  # of the campaign's actor
    calls: int
    ahead: int  # the same of calls that it could make ready: only if nobody is kept waiting by them
    anew: bool


@dataclass(frozen=True)
class PermitsReturned:
    """From a campaign, or from Calls for it: nobody is called by these permits, or will be."""

    call_ids: tuple[UUID, ...]


@dataclass(frozen=True)
class PermitsKept:
    """From a campaign that starts, stops, or gets another trunk, or from Calls, of one that is not worked here any
    more: of all permits it ever got only these are in use, each with when its call began. None: not yet, or the trunk
    knows. It may have got them from another process's trunk."""

    campaign_id: UUID
    calls: tuple[tuple[UUID, datetime | None], ...]


@dataclass(frozen=True)
class ReadyToBegin:
    """From a dialer: everything is prepared, may this call begin? Answered by `Begin` as soon as it may, or by
    `DoNotBegin` when a service that it needs fails, when only another call's end could make room for it, or when the
    process drains; asking again is harmless."""

    call_id: UUID
    needs: frozenset[str]  # services, as the breakers name them


@dataclass(frozen=True)
class SlotGiven:
    """From a campaign, which has told the dialer: a call that was ready and waited has a slot, may it begin? Answered
    as the dialer's own question is, which comes if nobody answers. Of a call that is over by now it says nothing."""

    call_id: UUID
    needs: frozenset[str]  # services, as the breakers name them


@dataclass(frozen=True)
class TrunkConfigured:
    """The configuration has changed: the trunk's limits from now on. None: it is configured no more, and permits no new
    calls; those that it has permitted go on."""

    limits: CallLimits | None


@dataclass(frozen=True)
class ProbeDeclined:
    """From a campaign: it has no use for the probe that this permit was for."""

    call_id: UUID
    shut: bool  # nor had it, whatever limits and delays there are: it may not call anybody now
