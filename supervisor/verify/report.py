"""What a verification has found, for people and for machines."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any


class Verdict(IntEnum):
    """The exit codes that operations.md gives."""

    FINISHED = 0
    CHECK_FAILED = 1
    SERVICE_FAILED = 2


@dataclass(frozen=True)
class Seen:
    """A campaign's status from a moment on."""

    after_s: float
    campaign: str
    status: str
    message: str | None
    error: str | None


@dataclass
class Report:
    """Filled while the check goes on."""

    verdict: Verdict = Verdict.CHECK_FAILED
    why: str = "it did not come to an end"
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)
    services: dict[str, str] = field(default_factory=dict)
    """Those that failed, and why."""
    settled: int = 0
    total: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    """How many calls ended in each."""
    history: list[Seen] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    """Campaigns that could not be removed."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "verdict": self.verdict.name.lower(), "exit_code": int(self.verdict)}

    def lines(self) -> list[str]:
        """The report, line by line."""
        outcomes = ", ".join(f"{outcome} {count}" for outcome, count in self.outcomes.items())
        paused = {seen.campaign: seen for seen in self.history if seen.status == "PAUSED"}
        return [
            *(f"Warning: {warning}" for warning in self.warnings),
            f"{self.settled} of {self.total} contacts settled in {self.seconds:.0f} s.",
            f"Calls ended: {outcomes or 'none'}.",
            *(f"Service {service} failed: {why}" for service, why in self.services.items()),
            *(f"Paused: {name}: {seen.message} ({seen.error})" for name, seen in paused.items()),
            "Statuses seen:",
            *(f"  {seen.after_s:6.1f} s  {seen.campaign}  {seen.status}  {seen.message or ''}".rstrip()
              for seen in self.history),
            *(f"Left behind: {name}" for name in self.left_behind),
            f"{self.verdict.name.replace('_', ' ').capitalize()}: {self.why}",
        ]  # fmt: skip
