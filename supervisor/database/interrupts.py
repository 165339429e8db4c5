"""Ctrl-C at the wrong moment: between the start of a process and our knowing it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Put off Ctrl-C, and SIGTERM where Python handles it, until the block ends; then they are delivered."""
    before: dict[signal.Signals, Any] = {}
    held: list[int] = []
    try:
        if threading.current_thread() is threading.main_thread():  # handlers run in no other
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                if callable(handler):
                    before[number] = handler
                    signal.signal(number, lambda received, frame: held.append(received))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for received in held:
            signal.raise_signal(received)
