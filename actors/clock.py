"""The time, as rules and actors are handed it. The implementations belong to the process: `supervisor.clock`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is. May run faster than the wall's clock (the demo) or only when moved (tests)."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC; never goes back within a process."""
        ...

    def real_seconds_until(self, instant: datetime) -> float | None:
        """How long a thread has to wait for `instant`, at least 0; None: until somebody moves this clock."""
        ...

    def on_move(self, wake: Callable[[], None]) -> None:
        """Have `wake` called, from whatever thread, whenever this clock is moved by hand."""
        ...
