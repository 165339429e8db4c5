"""Clocks: the wall's and the demo's (the contract is `actors.clock.Clock`)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The wall's clock, read through a monotonic one so that it never goes back.

    It follows the wall when the two are more than a second apart (a corrected clock, a suspended machine): calling
    hours are the wall's. Forward at once; a wall clock that was set back is waited for at half the speed, so that
    reminders and leases go on meanwhile.
    """

    _TOLERATED = timedelta(seconds=1)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest, self._monotonic = datetime.now(UTC), time.monotonic()

    def now(self) -> datetime:
        with self._lock:
            wall, monotonic = datetime.now(UTC), time.monotonic()
            passed = timedelta(seconds=monotonic - self._monotonic)
            if self._latest - wall > self._TOLERATED:
                passed /= 2
            self._monotonic = monotonic
            self._latest += passed
            if wall - self._latest > self._TOLERATED:
                self._latest = wall
            return self._latest

    def real_seconds_until(self, instant: datetime) -> float | None:
        return max((instant - self.now()).total_seconds(), 0.0)

    def on_move(self, wake: Callable[[], None]) -> None:
        """Nobody moves the wall's clock."""


class FastClock:
    """Starts at `start` and runs `speed` times as fast as the wall's."""

    def __init__(self, start: datetime, speed: float) -> None:
        self._start = start
        self._speed = speed
        self._monotonic = time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(time.monotonic() - self._monotonic) * self._speed)

    def real_seconds_until(self, instant: datetime) -> float | None:
        return max((instant - self.now()).total_seconds(), 0.0) / self._speed

    def on_move(self, wake: Callable[[], None]) -> None:
        """It moves by itself."""
