"""What fails for a while under whoever calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Failing:
    """A function that fails so often, or until the end, and works after that."""

    def __init__(self, works: Callable[..., Any], error: Exception, times: float = float("inf")) -> None:
        self._works, self._error, self._times = works, error, times
        self.failed, self.has_worked = 0, False

    def __call__(self, *values: Any, **named: Any) -> Any:
        if self.failed < self._times:
            self.failed += 1
            raise self._error
        result = self._works(*values, **named)
        self.has_worked = True
        return result

    def end(self) -> None:
        self._times = 0
