"""People who answer and find no agent on the line: a campaign slows down before it has too many of them."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Iterable
from datetime import datetime, timedelta

WINDOW = timedelta(hours=24)
"""The share is one of a day, as those who regulate it count."""
LATEST = 1000
"""Of a day's answered calls at most so many, the latest: agents that fail now must not hide behind a good morning, and
a campaign that has recovered need not wait for the next day."""
AT_LEAST = 100
"""With fewer answered calls the share is taken as if the others had gone well: one failure among the first calls does
not stop a campaign."""
FREE = 0.5
"""Up to this part of the limit nothing is slowed down."""


class Abandonment:
    """The share of answered calls that no agent joined in time, and how much of a campaign's calls it allows.

    Full speed up to half of the limit, then less and less; at the limit and above it one call at a time, so that the
    share can fall again. A plain rule: the time is handed in; what it knows is rebuilt from rows.
    """

    def __init__(self, max_abandon_rate: float, answered: Iterable[tuple[datetime, bool]] = ()) -> None:
        """`max_abandon_rate` is a share, 0.03 for 3 %. `answered`: for each answered call when, and whether an agent
        joined it in time; in any order."""
        self.max_abandon_rate = max_abandon_rate
        """May be replaced at any time."""
        self._answered: list[tuple[datetime, bool]] = []
        self._missed: list[datetime] = []  # those of them that no agent joined: asked for at every message
        for answered_at, agent_joined in answered:
            self.note(answered_at, agent_joined)

    def note(self, answered_at: datetime, agent_joined: bool) -> None:
        """A call was answered, and is over or has its agent. To be told once for each."""
        insort(self._answered, (answered_at, agent_joined))
        if not agent_joined:
            insort(self._missed, answered_at)
        if len(self._answered) > LATEST and not self._answered.pop(0)[1]:
            del self._missed[0]

    def share(self, now: datetime) -> float:
        """The share of abandoned calls, 0 to 1."""
        since = now - WINDOW
        answered = len(self._answered) - bisect_right(self._answered, (since, True))
        missed = len(self._missed) - bisect_right(self._missed, since)
        return missed / max(answered, AT_LEAST)

    def allowed(self, now: datetime) -> float:
        """The part of its concurrent calls that a campaign may have in progress, 0 to 1. At 0 it is one call."""
        free = self.max_abandon_rate * FREE
        over = (self.share(now) - free) / (self.max_abandon_rate - free)
        return min(max(1 - over, 0.0), 1.0)

    def most_calls(self, max_concurrent_calls: int, now: datetime) -> int:
        """How many of `max_concurrent_calls` may be in progress now: at least one."""
        return max(math.floor(max_concurrent_calls * self.allowed(now)), 1)

    def slowed_to(self, max_concurrent_calls: int | None, now: datetime) -> int | None:
        """How many calls may be in progress now, where that is fewer than else, for whoever looks. None: as many as
        ever; or, of a campaign without a limit, a part of what only its actor knows."""
        if max_concurrent_calls is None and self.allowed(now) > 0:
            return None
        most = self.most_calls(max_concurrent_calls or 1, now)
        return None if most == max_concurrent_calls else most

    def why(self, now: datetime) -> str:
        """Why it is slowed down, for whoever looks."""
        return f"{self.share(now):.1%} of those who answered found no agent"
