"""What actors count and time. The process decides where the numbers go: `supervisor.metrics`."""

from __future__ import annotations

from typing import Protocol

from actors.outcomes import Outcome


class Telemetry(Protocol):
    """Told by actors from their own threads; implementations are quick, safe from every thread and never raise.
    Campaigns and trunks are named by their slugs: never a phone number, a task or a call."""

    def call_began(self, campaign: str, trunk: str) -> None:
        """A dial request is about to leave."""
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

    def actor_restarted(self, kind: str) -> None:
        """An actor of this kind was started again after a crash."""
        ...
