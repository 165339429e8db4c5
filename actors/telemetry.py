"""What actors count and time. The process decides where the numbers go: `supervisor.metrics`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from actors.limiter import CallLimits
from actors.outcomes import Outcome


class Telemetry(Protocol):
    """Told by actors from their own threads; implementations are quick, safe from every thread and never raise.
    Campaigns and trunks are named by their slugs: never a phone number, a task or a call."""

    def call_began(self, campaign: str, trunk: str) -> None:
        """A dial request is about to leave."""
        ...

    def agent_joined(self, campaign: str, waited_s: float) -> None:
        """Somebody who answered waited so long for an agent."""
        ...

    def call_ended(self, campaign: str, trunk: str, outcome: Outcome, talk_s: float | None) -> None:
        """A call is over; `talk_s` from the answer to its end, None when it was not answered."""
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
        self, recordings: Sequence[tuple[str, str, int]], slots: Sequence[tuple[str, int, int]]
    ) -> None:
        """Of each company there are so many recordings in each state but stored; and of its slots so many are in use,
        of so many."""
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

    def abandon_rate(self, campaign: str, share: float) -> None:
        """The share of a campaign's answered calls, of late, that no agent joined; 0 to 1."""
        ...

    def actor_restarted(self, kind: str) -> None:
        """An actor of this kind was started again after a crash."""
        ...

    def breaker_watched(self, service: str, state: str) -> None:
        """There is a circuit breaker for this service, and this is its state."""
        ...

    def breaker_changed(self, service: str, state: str) -> None:
        """A circuit breaker has come into this state."""
        ...
