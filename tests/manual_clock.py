"""The clock that tests move (the contract is `actors.clock.Clock`)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self._lock = threading.Lock()
        self._now = start
        self._wakes: list[Callable[[], None]] = []

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward and wake whoever waits for the time."""
        if by < timedelta(0):
            raise ValueError("a clock only moves forward")
        with self._lock:
            self._now += by
            wakes = list(self._wakes)
        for wake in wakes:
            wake()

    def real_seconds_until(self, instant: datetime) -> float | None:
        return 0.0 if instant <= self.now() else None

    def on_move(self, wake: Callable[[], None]) -> None:
        with self._lock:
            self._wakes.append(wake)
