"""What actors count and time. The process decides where the numbers go: `supervisor.metrics`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from actors.limiter import CallLimits
from actors.outcomes import Outcome


@dataclass(frozen=True)
class WorkedCampaign:
    """A campaign that is worked by this process."""

    campaign: str  # its label: its slug, or its id where it has none
    company: str
    trunk: str
    status: str
    holds: frozenset[str]  # operator, config, breaker:<service>


@dataclass(frozen=True)
class CountedTasks:
    """A campaign's list, as it was counted."""

    by_status: Mapping[str, int]
    work_due: bool  # there are tasks that could be claimed now


class Standing(NamedTuple):
    """How much a campaign calls, and might. Made at every message that it gets: it must cost next to nothing."""

    in_progress: int
    begun: int  # within the last minute
    limits: CallLimits
    max_abandon_rate: float
    schedule_open: bool
    permits_wanted: int  # calls that it could begin, and waits for its trunk to permit


class Telemetry(Protocol):
    """Told by actors from their own threads; implementations are quick, safe from every thread and never raise.
    Campaigns and trunks are named by their slugs: never a phone number, a task or a call. What is told of a campaign
    that is not worked here is not counted: so late news of one that is gone don't bring it back."""

    def campaigns_worked(self, campaigns: Sequence[WorkedCampaign]) -> None:
        """These campaigns are worked here from now on, and no others."""
        ...

    def tasks_counted(self, tasks: Mapping[str, CountedTasks]) -> None:
        """The lists of these campaigns have been counted."""
        ...

    def campaign_stands(self, campaign: str, standing: Standing) -> None:
        """How a campaign stands now."""
        ...

    def call_began(self, campaign: str, trunk: str, at: datetime) -> None:
        """A dial request is about to leave."""
        ...

    def slot_used(self, campaign: str, idle_s: float) -> None:
        """A dial request has left in the slot of a call whose end was told so long before."""
        ...

    def call_answered(self, campaign: str, rang_s: float) -> None:
        """A call was answered so long after its dial request."""
        ...

    def agent_joined(self, campaign: str, waited_s: float) -> None:
        """Somebody who answered waited so long for an agent."""
        ...

    def call_ended(self, campaign: str, trunk: str, outcome: Outcome, talk_s: float | None) -> None:
        """A call is over; `talk_s` from the answer to its end, None when it was not answered."""
        ...

    def results_waiting(self, count: int) -> None:
        """The results of so many calls are in memory, and not known to be in PostgreSQL."""
        ...

    def claimed(self, campaign: str, tasks: int, seconds: float) -> None:
        """A claim of `tasks` tasks took this long."""
        ...

    def settled(self, campaign: str, tasks: int, seconds: float) -> None:
        """Results of `tasks` calls were written in this time."""
        ...

    def jobs_counted(self, jobs: Mapping[tuple[str, str], int]) -> None:
        """There are so many background jobs of each type and status."""
        ...

    def recordings_counted(
        self, recordings: Sequence[tuple[str, str, int]], slots: Sequence[tuple[str, int, int, float]]
    ) -> None:
        """Of each company there are so many recordings in each state but stored; and of its slots so many are in use,
        of so many, and the oldest recording that waits for one is so many seconds old (0: none waits)."""
        ...

    def recording_fetched(self, company: str, result: str, seconds: float) -> None:
        """A download ended in this time; `result` is stored or failed (it may be tried again)."""
        ...

    def transcribed(self, result: str) -> None:
        """A transcript was stored, or an attempt at one failed."""
        ...

    def trunk_limits(self, trunk: str, limits: CallLimits) -> None:
        """The limits that a trunk is dialed within from now on: its own, or lower ones that its carrier has taught."""
        ...

    def trunk_calls(self, trunk: str, in_progress: int) -> None:
        """So many calls are permitted on a trunk and not over."""
        ...

    def abandon_rate(self, campaign: str, share: float) -> None:
        """The share of a campaign's answered calls, of late, that no agent joined in time; 0 to 1."""
        ...

    def actor_kinds(self, kinds: Collection[str]) -> None:
        """Actors of these kinds may be started again, or given up."""
        ...

    def actor_restarted(self, kind: str) -> None:
        """An actor of this kind was started again after a crash."""
        ...

    def actor_quarantined(self, kind: str) -> None:
        """An actor of this kind died too often, and is not started again."""
        ...

    def breaker_watched(self, service: str, state: str | None, *, untried: bool) -> None:
        """There is a circuit breaker for this service, and this is its state; None: nobody here needs it any more.
        `untried`: only a call could show whether the service works, and nobody may be called now."""
        ...

    def breaker_changed(self, service: str, state: str) -> None:
        """A circuit breaker has come into this state."""
        ...
