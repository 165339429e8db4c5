"""What a dialer sends to itself through the timer, and after how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

AGENT_REPORT_GRACE = timedelta(seconds=15)
"""How long after the end of a call the webhook with its agent's report is waited for: LiveKit sends it again after 1,
2, 4 and 8 s. Only a call whose agent has left, or whose end was seen, without our having heard of it waits at all."""

HAND_OVER_AGAIN = timedelta(seconds=1)
ASK_AGAIN = timedelta(seconds=2)
TRUNK_FULL_PAUSE = timedelta(milliseconds=200)
"""How soon a call tries again whose trunk other processes use to the full."""
BEGIN_WITHIN = timedelta(seconds=60)
"""How soon after its room is there a call must have begun. Its agent waits in it, and LiveKit closes it after 120 s: a
dial then makes it anew, without an agent."""


@dataclass(frozen=True)
class AskAgain:
    """Reminder: nobody has answered whether the call may begin."""


@dataclass(frozen=True)
class Look:
    """Reminder: ask LiveKit who is in the room."""


@dataclass(frozen=True)
class NoReport:
    """Reminder: the agent's report will not come any more."""
