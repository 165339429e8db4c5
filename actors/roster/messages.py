"""What the Roster is told."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class CampaignChanged:
    """A campaign's row or its holds have changed."""

    campaign_id: UUID


@dataclass(frozen=True)
class CompanySlotsFreed:
    """A company that has a limit has fewer calls in progress."""

    company_id: UUID


@dataclass(frozen=True)
class NothingLeft:
    """From a campaign: no task can ever be dialed again, and no call is in progress."""

    campaign_id: UUID
    schedule_over: bool  # True: tasks may be left, but the campaign's time is over


@dataclass(frozen=True)
class ReadyToLeave:
    """From a campaign that is to be handed over: it has no call in progress any more."""

    campaign_id: UUID


@dataclass(frozen=True)
class Quarantined:
    """From the Supervisor: this campaign's actor can't be kept alive."""

    campaign_id: UUID
    error: str


@dataclass(frozen=True)
class LastCallsGivenUp:
    """From the Supervisor, to Calls too: what is left of this failed campaign's calls can't be settled by this
    process."""

    campaign_id: UUID


@dataclass(frozen=True)
class LookAround:
    """Read everything again: notifications may have been missed."""
