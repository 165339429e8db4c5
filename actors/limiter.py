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
ON_ITS_WAY = timedelta(seconds=0.4)
"""A dial may take so much longer than another from its begin until the phone rings (measured: 80 to 290 ms, by load). A
minute is counted longer by this, so that whoever is called, or carries the calls, never sees more in one either. It
costs less than a hundredth of what is allowed; of a second it would cost a third, so that those are counted as they
begin."""
COUNTED_MINUTE = MINUTE + ON_ITS_WAY
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
    begin (the minute also as LiveKit sees it), and that never more than `concurrent` are in progress, whatever the
    order of admissions, ends and changes of the limits (product.md, "Limits").

    A call is admitted first and in progress from then on; more are, for a while, only where they come from elsewhere,
    or where the limit was lowered: then none begins that is only prepared. An admitted call may begin at any moment, so
    that it counts as beginning now, until it is told to have begun (its instant is then known) or is withdrawn (it was
    never dialed and leaves no trace). A call that is only prepared must be released before it may begin: so the next
    call can be made ready while a window is still full, and no time is lost. Telling the same twice changes nothing.
    """

    def __init__(self, limits: CallLimits) -> None:
        self.limits = limits
        self._in_progress: set[UUID] = set()
        self._preparing: set[UUID] = set()
        self._about_to_begin: set[UUID] = set()
        self._begun: list[datetime] = []

    @property
    def in_progress(self) -> int:
        """Calls admitted or prepared, and not ended."""
        return len(self._in_progress)

    @property
    def prepared(self) -> int:
        """Calls that have not been released yet."""
        return len(self._preparing)

    @property
    def calls(self) -> tuple[UUID, ...]:
        """The calls that are in progress."""
        return tuple(self._in_progress)

    @property
    def begun(self) -> tuple[datetime, ...]:
        """When calls began, within the last COUNTED_MINUTE."""
        return tuple(self._begun)

    def begun_within_a_minute(self, now: datetime) -> int:
        """How many calls began within the minute before `now`."""
        return self._begun_since(now - MINUTE)

    def restore(self, in_progress: Iterable[tuple[UUID, datetime | None]], begun: Iterable[datetime]) -> None:
        """Take over what the database knows: unfinished calls with the instant at which they began, if they did, and
        the instants at which finished ones began within the last COUNTED_MINUTE."""
        for call_id, began_at in in_progress:
            self.admit(call_id)
            if began_at is not None:
                self.began(call_id, began_at)
        for instant in begun:
            insort(self._begun, instant)

    def room(self, now: datetime, ahead: timedelta = timedelta(0)) -> int:
        """How many calls may be admitted now; or prepared, if they will take `ahead` to be ready to begin."""
        self._forget_before(now - COUNTED_MINUTE)
        room = UNLIMITED
        if self.limits.concurrent is not None:
            room = self.limits.concurrent - len(self._in_progress)
        return max(min(room, self._window_room(now + ahead, self._waiting)), 0)

    def next_room(self, now: datetime, ahead: timedelta = timedelta(0)) -> datetime | None:
        """When time alone will make room; None where it won't (room now, or waiting for a call to begin or end)."""
        if self.room(now, ahead) > 0:
            return None
        if self.limits.concurrent is not None and len(self._in_progress) >= self.limits.concurrent:
            return None
        opens = self._window_opens(now + ahead, self._waiting)
        return None if opens is None else opens - ahead

    def admit(self, call_id: UUID) -> None:
        """Count this call as in progress and about to begin."""
        if call_id not in self._in_progress:
            self._in_progress.add(call_id)
            self._about_to_begin.add(call_id)

    def prepare(self, call_id: UUID) -> None:
        """Count this call as in progress; it must be released before it begins."""
        if call_id not in self._in_progress:
            self._in_progress.add(call_id)
            self._preparing.add(call_id)

    def release(self, call_id: UUID, now: datetime) -> bool:
        """Whether a prepared call may begin now; if so, it is about to. A call that is not known may not."""
        room = 0 if self._full else self._window_room(now, len(self._about_to_begin))
        if call_id in self._preparing and room > 0:
            self._preparing.discard(call_id)
            self._about_to_begin.add(call_id)
        return call_id in self._in_progress and call_id not in self._preparing

    def must_wait_for_an_end(self, call_id: UUID) -> bool:
        """Whether this call is only prepared, and without it as many are in progress as may be."""
        return call_id in self._preparing and self._full

    def next_release(self, now: datetime) -> datetime | None:
        """When time alone will let a prepared call begin that may not now; None where it won't."""
        return None if self._full else self._window_opens(now, len(self._about_to_begin))

    def began(self, call_id: UUID, at: datetime) -> None:
        """The call's dial request left at `at`. A call that is not known was admitted by a limiter before this one."""
        self.admit(call_id)
        if call_id in self._about_to_begin or call_id in self._preparing:
            self._about_to_begin.discard(call_id)
            self._preparing.discard(call_id)
            insort(self._begun, at)

    def ended(self, call_id: UUID) -> bool:
        """The call is over, or never began: its slot is free; what it used of the windows stays used. Whether it had a
        slot until now."""
        in_progress = call_id in self._in_progress
        self._in_progress.discard(call_id)
        self._preparing.discard(call_id)
        self._about_to_begin.discard(call_id)
        return in_progress

    withdraw = ended

    @property
    def _waiting(self) -> int:
        return len(self._preparing) + len(self._about_to_begin)

    @property
    def _full(self) -> bool:
        """Of those that have begun, or are about to, there are as many as may be in progress."""
        begun = len(self._in_progress) - len(self._preparing)
        return self.limits.concurrent is not None and begun >= self.limits.concurrent

    def _window_room(self, instant: datetime, waiting: int) -> int:
        """How many more calls the windows that end at `instant` have room for, besides `waiting` ones."""
        rooms = (limit - waiting - self._begun_since(instant - window) for limit, window in self._windows())
        return min(rooms, default=UNLIMITED)

    def _window_opens(self, instant: datetime, waiting: int) -> datetime | None:
        """When every window has room for one call more than `waiting`; None where only a call's begin can tell."""
        opens = instant
        for limit, window in self._windows():
            surplus = waiting + self._begun_since(instant - window) - limit
            if surplus < 0:
                continue
            recent = self._begun[bisect_right(self._begun, instant - window - _INSTANT) :]
            if surplus >= len(recent):
                return None
            opens = max(opens, recent[surplus] + window + _INSTANT)
        return opens

    def _windows(self) -> list[tuple[int, timedelta]]:
        limits = ((self.limits.per_minute, COUNTED_MINUTE), (self.limits.per_second, SECOND))
        return [(limit, window) for limit, window in limits if limit is not None]

    def _begun_since(self, instant: datetime) -> int:
        """Calls begun at `instant` or later: a window holds both of its ends."""
        return len(self._begun) - bisect_right(self._begun, instant - _INSTANT)

    def _forget_before(self, instant: datetime) -> None:
        del self._begun[: bisect_right(self._begun, instant - _INSTANT)]
