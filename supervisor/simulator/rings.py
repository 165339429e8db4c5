"""The book of rings: which number rang when, for which room and identity. The proof that nobody was called twice."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any


@dataclass
class Ring:
    """One INVITE that a trunk accepted."""

    number: str
    room: str
    identity: str
    trunk_id: str
    sip_call_id: str
    # Which ring of this number it is; the first is 1.
    nth: int
    at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    # How the dial ended: "answered", "sip 486", "canceled", …; None while it rings.
    result: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values, times in ISO 8601."""
        values = asdict(self)
        return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in values.items()}


class Book:
    """Counts rings and calls in progress, for all trunks and for each."""

    def __init__(self) -> None:
        self._rings: list[Ring] = []
        self._by_attempt: Counter[tuple[str, str]] = Counter()
        self._in_progress: Counter[str] = Counter()
        self._most: Counter[str] = Counter()
        self._starts: dict[str, deque[float]] = {}
        self.calls = 0
        self.most_calls = 0
        self.refused_by_trunk = 0

    def refusal(self, trunk: str, elapsed: float, per_second: int | None, concurrent: int | None) -> str | None:
        """Why the trunk won't take one more call now, if so; else the call counts against its pace."""
        starts = self._starts.setdefault(trunk, deque())
        while starts and starts[0] <= elapsed - 1:
            starts.popleft()
        why = None
        if per_second is not None and len(starts) >= per_second:
            why = "Trunk CPS limit exceeded"
        elif concurrent is not None and self._in_progress[trunk] >= concurrent:
            why = "Concurrent call limit exceeded"
        if why:
            self.refused_by_trunk += 1
        else:
            starts.append(elapsed)
        return why

    def begin(self, ring: Ring) -> None:
        """A phone begins to ring."""
        self._rings.append(ring)
        self._by_attempt[ring.room, ring.identity] += 1
        self._in_progress[ring.trunk_id] += 1
        self._most[ring.trunk_id] = max(self._most[ring.trunk_id], self._in_progress[ring.trunk_id])
        self.calls += 1
        self.most_calls = max(self.most_calls, self.calls)

    def end(self, ring: Ring, at: datetime) -> None:
        """The call is over, answered or not; said once for each ring."""
        ring.ended_at = at
        self._in_progress[ring.trunk_id] -= 1
        self.calls -= 1

    def rings(self) -> list[Ring]:
        """All rings so far, in their order; copies."""
        return [replace(ring) for ring in self._rings]

    def trunks(self) -> list[str]:
        """The ids of the trunks that were dialed through."""
        return list(self._most)

    def as_json(self) -> dict[str, Any]:
        """The counts. `repeated_attempts`: rooms and identities that rang more than once."""
        return {
            "rings": len(self._rings),
            "calls_in_progress": self.calls,
            "max_calls_in_progress": self.most_calls,
            "refused_by_trunk": self.refused_by_trunk,
            "repeated_attempts": [[*attempt, n] for attempt, n in self._by_attempt.items() if n > 1],
            "trunks": {
                trunk: {"calls_in_progress": self._in_progress[trunk], "max_calls_in_progress": most}
                for trunk, most in self._most.items()
            },
        }
