"""The rule of one circuit breaker: when a failing service is left alone, and when it is tried again."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class State(StrEnum):
    """States of a breaker; the database has the same list (`chk_breaker_state`)."""

    CLOSED = "closed"  # the service works, as far as is known
    OPEN = "open"  # it fails, and is left alone
    HALF_OPEN = "half_open"  # one probe is on its way


class Result(StrEnum):
    """What a probe says of the service."""

    OK = "ok"
    FAILED = "failed"
    NOTHING = "nothing"  # it was not made, or something else failed


@dataclass(frozen=True)
class BreakerLimits:
    """When a breaker opens, and for how long."""

    failure_rate: float  # share of failed calls at which it opens
    minimum_calls: int  # fewer within the window, or in a row, say nothing
    window: timedelta
    open_for: timedelta  # the first time
    max_open_for: timedelta
    probe_within: timedelta  # a probe that is not answered within this time is lost, and has failed


@dataclass(frozen=True, order=True)
class Seen:
    """What one call has shown of the service."""

    at: datetime
    call_id: UUID
    ok: bool


@dataclass(frozen=True)
class Permit:
    """The right to make one probe."""

    generation: int
    until: datetime


@dataclass(frozen=True)
class BreakerSnapshot:
    """What a breaker has decided: its successor goes on from that."""

    state: State
    generation: int  # grows by one with every change of state
    open_for: timedelta
    changed_at: datetime | None = None  # when it came into this state; None: it has never opened
    opened_at: datetime | None = None  # when this outage was noticed
    retry_at: datetime | None = None  # while open


class Breaker:
    """Opens when enough calls of the window have failed, or the last `minimum_calls` without exception, whenever they
    were: an outage may cost its threshold and no more (product.md, "A failing service"), be it a busy service's, whose
    window is full of earlier successes, or one's that is called so seldom that its window never holds enough calls.
    Open, it permits nothing until `retry_at`; then one probe at a time, each with a deadline, since a lost one would
    leave it half-open for ever. A failed probe doubles the open time; a good one closes it.

    A plain rule: the time is handed in, and never goes back. What was asked of the service before the breaker's last
    change, and what is told again, changes nothing. Methods that may change the state answer whether they did.
    """

    def __init__(self, limits: BreakerLimits) -> None:
        self._limits = limits
        self._now = BreakerSnapshot(State.CLOSED, 0, limits.open_for)
        self._seen: list[Seen] = []  # by the time at which it was seen
        self._calls: set[UUID] = set()  # of those

    @classmethod
    def restore(cls, limits: BreakerLimits, snapshot: BreakerSnapshot) -> Breaker:
        """One that goes on where the one that made `snapshot` stood; what that had seen of calls, it sees anew."""
        breaker = cls(limits)
        breaker._now = snapshot
        return breaker

    def follow(self, limits: BreakerLimits) -> None:
        """Go by these limits from now on; what is decided stays decided."""
        self._limits = limits

    def snapshot(self) -> BreakerSnapshot:
        """Where it stands now."""
        return self._now

    @property
    def state(self) -> State:
        return self._now.state

    @property
    def generation(self) -> int:
        return self._now.generation

    @property
    def changed_at(self) -> datetime | None:
        return self._now.changed_at

    @property
    def retry_at(self) -> datetime | None:
        """When it may be probed; None unless it is open."""
        return self._now.retry_at

    @property
    def probe_until(self) -> datetime | None:
        """The deadline of the probe that is on its way; None unless it is half-open."""
        if self._now.state is not State.HALF_OPEN or self._now.changed_at is None:
            return None
        return self._now.changed_at + self._limits.probe_within

    def acquire(self, now: datetime) -> Permit | None:
        """A permit for the one probe, once it is time; the breaker is half-open then. None: there is nothing to probe,
        not yet, or a probe is on its way."""
        self.expire(now)
        if self._now.state is not State.OPEN or self._now.retry_at is None or now < self._now.retry_at:
            return None
        self._change(State.HALF_OPEN, now, self._now.open_for)
        return Permit(self._now.generation, now + self._limits.probe_within)

    def answer(self, generation: int, result: Result, now: datetime) -> bool:
        """What the probe of the permit with this generation has shown. One that says nothing is made again after the
        shortest open time, and doubles nothing."""
        changed = self.expire(now)
        if generation != self._now.generation or self._now.state is not State.HALF_OPEN:
            return changed
        match result:
            case Result.OK:
                self._change(State.CLOSED, now, self._limits.open_for)
            case Result.FAILED:
                self._open_longer(now)
            case Result.NOTHING:
                self._change(State.OPEN, now, self._now.open_for, now + self._limits.open_for)
        return True

    def record(self, call_id: UUID, ok: bool, asked_at: datetime, at: datetime, now: datetime) -> bool:
        """A call that was asked of the service at `asked_at` has shown at `at` whether it works."""
        changed = self.expire(now)
        if self._now.changed_at is not None and asked_at < self._now.changed_at:
            return changed
        if self._now.state is State.HALF_OPEN:
            return self.answer(self._now.generation, Result.OK if ok else Result.FAILED, now)
        if self._now.state is State.OPEN:
            return changed
        if call_id in self._calls:
            return changed
        insort(self._seen, Seen(at, call_id, ok))
        self._calls.add(call_id)
        begins = now - self._limits.window
        self._forget_before(begins)
        if ok or not self._fails(begins):
            return changed
        self._change(State.OPEN, now, self._limits.open_for, now + self._limits.open_for)
        return True

    def expire(self, now: datetime) -> bool:
        """A probe whose deadline is over is lost."""
        until = self.probe_until
        if until is None or now < until:
            return False
        self._open_longer(until)
        return True

    def _fails(self, begins: datetime) -> bool:
        minimum = self._limits.minimum_calls
        if len(self._seen) < minimum:
            return False
        if not any(seen.ok for seen in self._seen[-minimum:]):
            return True
        recent = self._seen[bisect_right(self._seen, begins, key=_instant) :]
        failed = sum(not seen.ok for seen in recent)
        return len(recent) >= minimum and failed >= self._limits.failure_rate * len(recent)

    def _forget_before(self, begins: datetime) -> None:
        """The last success is kept, and the failures since."""
        last_ok = next((n for n in reversed(range(len(self._seen))) if self._seen[n].ok), 0)
        left = min(bisect_right(self._seen, begins, key=_instant), last_ok)
        self._calls.difference_update(seen.call_id for seen in self._seen[:left])
        del self._seen[:left]

    def _open_longer(self, now: datetime) -> None:
        open_for = min(self._now.open_for * 2, self._limits.max_open_for)
        self._change(State.OPEN, now, open_for, now + open_for)

    def _change(self, state: State, now: datetime, open_for: timedelta, retry_at: datetime | None = None) -> None:
        opened_at = None if state is State.CLOSED else self._now.opened_at or now
        self._now = BreakerSnapshot(state, self._now.generation + 1, open_for, now, opened_at, retry_at)
        self._seen.clear()
        self._calls.clear()


def _instant(seen: Seen) -> datetime:
    return seen.at
