"""How many calls may begin now: calls in progress, and calls begun in a sliding window.

Campaigns and trunks each own one. A plain rule: it is handed the time and remembers calls by id.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

MINUTE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)
_INSTANT = timedelta(microseconds=1)

UNLIMITED = 1_000_000
"""What `room()` answers where nothing limits; no caller ever wants as many."""


@dataclass(frozen=True)
class CallLimits:
    """Limits of one campaign or trunk; None does not limit."""

    concurrent: int | None = None
    per_minute: int | None = None
    per_second: int | None = None


class Limiter:
    """Promises that in no window of 60 s (1 s), wherever it starts, more than `per_minute` (`per_second`) calls
    begin, and that never more than `concurrent` are in progress, whatever the order of admissions, ends and changes
    of the limits (product.md, "Limits").

    A call is admitted first; from then on it counts as in progress, and as beginning at any moment, until it is told
    to have begun (its instant is then known) or is withdrawn (it was never dialed and leaves no trace). Telling the
    same twice changes nothing.
    """

    def __init__(self, limits: CallLimits) -> None:
        self.limits = limits
        self._in_progress: set[UUID] = set()
        self._about_to_begin: set[UUID] = set()
        self._begun: list[datetime] = []

    @property
    def in_progress(self) -> int:
        """Calls admitted and not ended."""
        return len(self._in_progress)

    def restore(self, in_progress: Iterable[tuple[UUID, datetime | None]], begun: Iterable[datetime]) -> None:
        """Take over what the database knows: unfinished calls with the instant at which they began, if they did, and
        the instants at which finished ones began within the last minute."""
        for call_id, began_at in in_progress:
            self.admit(call_id)
            if began_at is not None:
                self.began(call_id, began_at)
        for instant in begun:
            insort(self._begun, instant)

    def room(self, now: datetime) -> int:
        """How many calls may be admitted now."""
        self._forget_before(now - MINUTE)
        room = UNLIMITED
        if self.limits.concurrent is not None:
            room = min(room, self.limits.concurrent - len(self._in_progress))
        for limit, window in self._windows():
            room = min(room, limit - len(self._about_to_begin) - self._begun_since(now - window))
        return max(room, 0)

    def next_room(self, now: datetime) -> datetime | None:
        """When time alone will make room; None where it won't (room now, or waiting for a call to begin or end)."""
        if self.room(now) > 0:
            return None
        if self.limits.concurrent is not None and len(self._in_progress) >= self.limits.concurrent:
            return None
        opens = now
        for limit, window in self._windows():
            surplus = len(self._about_to_begin) + self._begun_since(now - window) - limit
            if surplus < 0:
                continue
            recent = self._begun[bisect_right(self._begun, now - window - _INSTANT) :]
            if surplus >= len(recent):
                return None
            opens = max(opens, recent[surplus] + window + _INSTANT)
        return opens

    def admit(self, call_id: UUID) -> None:
        """Count this call as in progress and about to begin."""
        if call_id not in self._in_progress:
            self._in_progress.add(call_id)
            self._about_to_begin.add(call_id)

    def began(self, call_id: UUID, at: datetime) -> None:
        """The call's dial request left at `at`. A call that is not known was admitted by a limiter before this one."""
        self.admit(call_id)
        if call_id in self._about_to_begin:
            self._about_to_begin.discard(call_id)
            insort(self._begun, at)

    def ended(self, call_id: UUID) -> None:
        """The call is over, or never began: its slot is free; what it used of the windows stays used."""
        self._in_progress.discard(call_id)
        self._about_to_begin.discard(call_id)

    withdraw = ended

    def _windows(self) -> list[tuple[int, timedelta]]:
        limits = ((self.limits.per_minute, MINUTE), (self.limits.per_second, SECOND))
        return [(limit, window) for limit, window in limits if limit is not None]

    def _begun_since(self, instant: datetime) -> int:
        """Calls begun at `instant` or later: a window holds both of its ends."""
        return len(self._begun) - bisect_right(self._begun, instant - _INSTANT)

    def _forget_before(self, instant: datetime) -> None:
        del self._begun[: bisect_right(self._begun, instant - _INSTANT)]
