"""The one place where tests wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PATIENCE = 3
_FIRST_S, _GROWTH, _LONGEST_S = 0.002, 1.2, 0.01
"""Between two looks: whoever waits for long leaves the machine to what it waits for."""


def wait_until(condition: Callable[[], T], timeout_s: float = 10, what: str | None = None) -> T:
    """Call `condition` until its answer is true, and return it; fail, saying what the last one was, when it has taken
    three times `timeout_s`, which is meant for a machine that has nothing else to do."""
    deadline, pause_s = time.monotonic() + timeout_s * _PATIENCE, _FIRST_S
    while not (answer := condition()):
        if time.monotonic() > deadline:
            name = what or getattr(condition, "__name__", repr(condition))
            raise AssertionError(f"still waiting for {name} after {timeout_s * _PATIENCE:g} s: last answer {answer!r}")
        time.sleep(pause_s)
        pause_s = min(pause_s * _GROWTH, _LONGEST_S)
    return answer
