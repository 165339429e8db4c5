"""What the breakers tell themselves through the timer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RetryDue:
    """Reminder: this service may be probed."""

    service: str


@dataclass(frozen=True)
class ProbeLate:
    """Reminder: the probe of this service has not been answered within its deadline."""

    service: str


@dataclass(frozen=True)
class LookForAgent:
    """Reminder: has the agent come?"""

    service: str


@dataclass(frozen=True)
class SaveAgain:
    """Reminder: PostgreSQL may be back."""


@dataclass(frozen=True)
class Pulse:
    """Reminder: bring holds and counts up to date."""
