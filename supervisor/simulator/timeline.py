"""Time and background work: everything in the simulator that waits goes through here, and ends when it is closed."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

log = logging.getLogger("campaignd.simulator")


def new_id(prefix: str) -> str:
    """An id such as LiveKit's: `RM_…`, `PA_…`; unique across restarts too."""
    return prefix + secrets.token_hex(6)


class Timeline:
    """Simulated seconds pass `speed` times faster than real ones. To be used from one event loop.

    Timestamps are `now()`'s, by default the real time. What fails in the background is logged and kept in `failures`.
    """

    def __init__(self, speed: float = 1.0, now: Callable[[], datetime] | None = None) -> None:
        if speed <= 0:
            raise ValueError("speed must be positive")
        self.speed = speed
        self.now = now or (lambda: datetime.now(UTC))
        self.failures: list[BaseException] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._forever: asyncio.Future[None] | None = None

    def seconds(self) -> int:
        """Now, in seconds since 1970."""
        return int(self.now().timestamp())

    def milliseconds(self) -> int:
        """Now, in milliseconds since 1970."""
        return int(self.now().timestamp() * 1_000)

    def nanoseconds(self) -> int:
        """Now, in nanoseconds since 1970 (to the microsecond)."""
        return int(self.now().timestamp() * 1_000_000) * 1_000

    def elapsed(self) -> float:
        """Simulated seconds since some fixed moment: for measuring how long something took."""
        return asyncio.get_running_loop().time() * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait this many simulated seconds."""
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    async def forever(self) -> None:
        """Wait until the timeline is closed, which ends it with CancelledError."""
        if self._forever is None:
            self._forever = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._forever)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside everything else; cancelled when the timeline is closed."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def later(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        """Do `action` after this many simulated seconds; returns what calls it off (as often as one likes)."""

        def fire() -> None:
            self._timers.discard(timer)
            try:
                action()
            except Exception as error:
                log.exception("simulator_failed")
                self.failures.append(error)

        def call_off() -> None:
            timer.cancel()
            self._timers.discard(timer)

        timer = asyncio.get_running_loop().call_later(max(0.0, seconds) / self.speed, fire)
        self._timers.add(timer)
        return call_off

    async def close(self) -> None:
        """Cancel everything and wait until it has ended."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._forever is not None:
            self._forever.cancel()
        while self._tasks:
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("simulator_failed", exc_info=error)
            self.failures.append(error)
