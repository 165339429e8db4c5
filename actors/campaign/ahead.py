"""Calls that are made ready before there is a slot for them, so that a slot is used as soon as it is free."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from uuid import UUID

EARLY = timedelta(seconds=0.4)
"""How much earlier than its slot a call is made ready: many times what claiming it and making its room take, for calls
end in bunches, and whoever finds nobody ready waits for all of that."""
OF_LATE = timedelta(seconds=3)
"""How far back ends are counted, to tell how soon others may be expected."""
MOST = 0.1
"""As many calls at most as this part of the slots."""
AGAIN = 3
"""Others are made ready when a third of them is missing: to claim each by itself costs several times as much."""
LONGEST_WAIT = timedelta(seconds=5)
"""So long a call that is ready waits for a slot, and its agent in an empty room; then it is given back."""


class Ahead:
    """Which calls wait for a slot. They count against no limit of their campaign's, and none begins before it is given
    a slot. How many are made ready follows from how many calls ended of late: where talks are long, or slots few, none
    is. A plain rule: it is told what happens, and handed the time."""

    def __init__(self) -> None:
        self._ends: deque[datetime] = deque()
        self._waiting: dict[UUID, datetime | None] = {}  # since when it is ready; None: not yet
        self._answered: set[UUID] = set()  # given a slot, or sent back, and not heard of since

    @property
    def waiting(self) -> int:
        """Calls that wait for a slot, or will when they are ready."""
        return len(self._waiting)

    def ended(self, now: datetime) -> None:
        """A slot was freed."""
        self._ends.append(now)

    def wanted(self, slots: int, now: datetime) -> int:
        """How many more calls are to be made ready for these slots, all of which are in use."""
        while self._ends and self._ends[0] < now - OF_LATE:
            self._ends.popleft()
        most = min(round(len(self._ends) * (EARLY / OF_LATE)), int(slots * MOST))
        missing = most - len(self._waiting)
        return missing if missing >= max(most // AGAIN, 1) else 0

    def place(self, call_id: UUID) -> None:
        """This call is claimed, and is to wait for a slot."""
        self._waiting[call_id] = None

    def ready(self, call_id: UUID, now: datetime) -> bool:
        """This call could begin. False: it is not known here, and nobody will give it a slot. May be told again."""
        if call_id in self._waiting:
            self._waiting[call_id] = self._waiting[call_id] or now
        return call_id in self._waiting or call_id in self._answered

    def give(self, slots: int) -> list[UUID]:
        """Who is given these slots, as far as there is anybody: those that are ready."""
        return self._answer([call_id for call_id, since in self._waiting.items() if since is not None][:slots])

    def send_back(self, now: datetime, *, everybody: bool) -> list[UUID]:
        """Who has waited for too long, or else everybody who is ready: they are to be given back. One that is not ready
        yet waits until it is: only then can its room be closed."""
        ready = [(call_id, since) for call_id, since in self._waiting.items() if since is not None]
        return self._answer([call_id for call_id, since in ready if everybody or now >= since + LONGEST_WAIT])

    def next_return(self) -> datetime | None:
        """When somebody will have waited for too long."""
        first = min((since for since in self._waiting.values() if since is not None), default=None)
        return None if first is None else first + LONGEST_WAIT

    def over(self, call_id: UUID) -> None:
        """The call has begun, was given back, or has ended."""
        self._waiting.pop(call_id, None)
        self._answered.discard(call_id)

    def _answer(self, calls: list[UUID]) -> list[UUID]:
        for call_id in calls:
            del self._waiting[call_id]
        self._answered.update(calls)
        return calls
