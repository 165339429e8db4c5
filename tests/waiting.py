"""The one place where tests wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], timeout_s: float = 10, what: str | None = None) -> T:
    """Call `condition` until its answer is true, and return it; fail after `timeout_s`, saying what the last was."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            name = what or getattr(condition, "__name__", repr(condition))
            raise AssertionError(f"still waiting for {name} after {timeout_s} s: last answer {answer!r}")
        time.sleep(0.002)
    return answer
