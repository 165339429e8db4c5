"""How fast a trunk may be dialed, as its carrier's refusals teach: the limits that nobody has told us."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from actors.limiter import MINUTE, SECOND, CallLimits

SLOWER = 0.7
"""What a refusal leaves of a limit."""
BURST = timedelta(seconds=3)
"""Refusals come in bursts, all of them for the same calls: within this time they count as one."""
OF_LATE = timedelta(seconds=10)
"""How far back the busiest second is looked for: a refusal may come some time after the call began."""
QUIET = timedelta(seconds=30)
"""So long after a refusal, and after each step, the limit grows by a step."""
STEPS = 10
"""A step is this part of what was refused; at least one call."""
FORGET_AFTER = timedelta(minutes=30)
"""After so long without a refusal nothing is left of what was learned."""


@dataclass(frozen=True)
class Learned:
    """What was learned of one limit."""

    limit: float  # what the last refusal left
    refused_at: datetime


@dataclass(frozen=True)
class PaceLearned:
    """What was learned of a trunk; None: nothing."""

    per_minute: Learned | None = None
    concurrent: Learned | None = None


NOTHING = PaceLearned()


class Pace:
    """Keeps a trunk at a pace that its carrier takes. A refusal lowers the limit that it is about, the rate or the
    calls at once, by a part; time without refusals raises it by steps, up to the configured limit or, where there is
    none, until it is forgotten. Never above what is configured, and never below one call.

    A plain rule: the time is handed in, and never goes back.
    """

    def __init__(self, configured: CallLimits, learned: PaceLearned = NOTHING) -> None:
        self.configured = configured
        """What the trunk's file says; may be replaced at any time."""
        self._learned = learned

    def snapshot(self) -> PaceLearned:
        """What was learned, to go on with in another process."""
        return self._learned

    def too_fast(self, begun: Iterable[datetime], now: datetime) -> None:
        """A call was refused for the rate of calls (CPS, HTTP 429); `begun` are the instants at which calls began of
        late. What counts is their busiest second: a minute's sum would take a burst for a slow trunk."""
        per_minute = _busiest_second(begun, now) * (MINUTE / SECOND)
        learned = _refused(self._learned.per_minute, self.configured.per_minute, per_minute, now)
        self._learned = replace(self._learned, per_minute=learned)

    def too_many(self, in_progress: int, now: datetime) -> None:
        """A call was refused because so many were in progress, itself among them."""
        learned = _refused(self._learned.concurrent, self.configured.concurrent, in_progress, now)
        self._learned = replace(self._learned, concurrent=learned)

    def limits(self, now: datetime) -> CallLimits:
        """The limits to keep now. A learned rate is kept within each second too: a minute's calls all at once would be
        refused again."""
        per_minute, concurrent = _grown(self._learned.per_minute, now), _grown(self._learned.concurrent, now)
        per_second = None if per_minute is None else per_minute / (MINUTE / SECOND)
        return CallLimits(
            concurrent=_lower(self.configured.concurrent, concurrent),
            per_minute=_lower(self.configured.per_minute, per_minute),
            per_second=_lower(self.configured.per_second, per_second),
        )

    def next_change(self, now: datetime) -> datetime | None:
        """Until when the limits are what they are now, unless a call is refused; None: for ever."""
        both = (self._learned.per_minute, self._learned.concurrent)
        steps = (
            learned.refused_at + min(QUIET * (_steps(learned, now) + 1), FORGET_AFTER)
            for learned in both
            if learned is not None and _grown(learned, now) is not None
        )
        return min(steps, default=None)


def _busiest_second(begun: Iterable[datetime], now: datetime) -> int:
    instants = sorted(instant for instant in begun if instant > now - OF_LATE)
    first = most = 0
    for last, instant in enumerate(instants):
        while instants[first] <= instant - SECOND:
            first += 1
        most = max(most, last - first + 1)
    return most


def _refused(learned: Learned | None, configured: int | None, in_use: float, now: datetime) -> Learned:
    if learned is not None and now - learned.refused_at < BURST:
        return learned
    # What was in use is more than the carrier takes, whatever the limits allowed.
    known = (max(in_use, 1.0), configured, _grown(learned, now))
    refused = min(float(limit) for limit in known if limit is not None)
    return Learned(max(refused * SLOWER, 1.0), now)


def _steps(learned: Learned, now: datetime) -> int:
    return (now - learned.refused_at) // QUIET


def _grown(learned: Learned | None, now: datetime) -> float | None:
    """What the limit is by now; None: it does not limit any more."""
    if learned is None or now - learned.refused_at >= FORGET_AFTER:
        return None
    return learned.limit + max(learned.limit / SLOWER / STEPS, 1.0) * _steps(learned, now)


def _lower(configured: int | None, learned: float | None) -> int | None:
    if learned is None:
        return configured
    most = max(math.floor(learned), 1)
    return most if configured is None else min(most, configured)
