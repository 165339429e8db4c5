"""Ctrl-C while there is nothing to put in order: it ends the process, and no traceback shows where it was."""

from __future__ import annotations

import os
import signal

INTERRUPTED = 130
"""The exit code of whoever was ended by Ctrl-C, as shells count."""


def end_at_once_on_ctrl_c() -> None:
    """For the second or two in which modules load, and for the last moments; main thread only."""
    signal.signal(signal.SIGINT, _end)


def raise_on_ctrl_c() -> None:
    """Python's usual way, for a command that has things to put in order; a handler of somebody else's stays."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(number: int, frame: object) -> None:
    os._exit(INTERRUPTED)
