"""How soon, and how often, a child that died is started again (shared/facts/pykka.md, "Supervision")."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class RestartPolicy:
    """The delay doubles with each death from `first` up to `longest`, plus up to `jitter` of it, and is forgotten
    after a `quiet` time. More than `most` deaths `within` that time are too many."""

    most: int
    within: timedelta = timedelta(seconds=60)
    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(seconds=10)
    jitter: float = 0.2
    quiet: timedelta = timedelta(seconds=60)


CHILD = RestartPolicy(most=5)
"""One campaign, trunk or other child: more than this, and it is broken."""
ALL_TOGETHER = RestartPolicy(most=20)
"""All children that the process can't do without: more than this, and it is broken; systemd starts another. Deaths of
others are not counted: a few broken campaigns would reach any number before each of them is found out."""
FEWEST_ALIKE = 4
"""If so many of a kind die at the same time, and they are most of it, they are not broken each for itself."""


class Restarts:
    """Remembers deaths, of one child or of all together, and judges each new one. Deaths by an outage say nothing about
    the child: they are put off like others, and never too many."""

    def __init__(self, policy: RestartPolicy) -> None:
        self._policy = policy
        self._deaths: deque[datetime] = deque()
        self._in_a_row = 0
        self._last: datetime | None = None

    def died(self, now: datetime, *, outage: bool) -> bool:
        """Note a death. False: these are too many."""
        policy = self._policy
        if self._last is None or now - self._last > policy.quiet:
            self._in_a_row = 0
        self._in_a_row += 1
        self._last = now
        if not outage:
            self._deaths.append(now)
        return self.of_late(now) <= policy.most

    def of_late(self, now: datetime) -> int:
        """How many deaths there were within the time."""
        while self._deaths and now - self._deaths[0] > self._policy.within:
            self._deaths.popleft()
        return len(self._deaths)

    def delay(self, chance: float) -> timedelta:
        """How long to wait after the last death; `chance` in [0, 1) is what the jitter is drawn from."""
        policy = self._policy
        # The exponent is bounded only so that a long outage can't overflow.
        delay: timedelta = min(policy.first * 2 ** min(self._in_a_row - 1, 30), policy.longest)
        return delay * (1 + policy.jitter * chance)
