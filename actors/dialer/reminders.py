"""What a dialer sends to itself through the timer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AskAgain:
    """Reminder: nobody has answered whether the call may begin."""


@dataclass(frozen=True)
class Look:
    """Reminder: ask LiveKit who is in the room."""


@dataclass(frozen=True)
class NoReport:
    """Reminder: the agent's report will not come any more."""
