"""How long a slot that could be used stays idle between two calls."""

from __future__ import annotations

from collections import deque


class Turnaround:
    """Which ends of calls made room for which next calls, the oldest first. A slot counts only while the campaign wants
    to begin another call: one that its limits, its window or an empty list keep idle says nothing of our speed. A
    plain rule: instants are seconds on the stopwatch."""

    def __init__(self) -> None:
        self._freed: deque[float] = deque()

    def freed(self, at: float) -> None:
        """A call's end was told."""
        self._freed.append(at)

    def wanted(self, calls: int) -> None:
        """The campaign would begin so many calls now: slots beyond them are not waited for."""
        while len(self._freed) > calls:
            self._freed.popleft()

    def take(self) -> float | None:
        """When the slot was freed that a call uses which is claimed now; None: it had not just been in use."""
        return self._freed.popleft() if self._freed else None
