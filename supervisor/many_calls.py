"""A process of ten thousand calls: what the kernel and the interpreter must know of it beforehand."""

from __future__ import annotations

import ctypes
import gc

SLOTS = 1 << 14
"""About as many as there may be calls in one process; each takes 64 bytes."""
# From <linux/prctl.h>.
_PR_FUTEX_HASH, _SET_SLOTS = 78, 1


def make_room_for_threads() -> None:
    """Have each waiting thread found at once, however many wait.

    Since Linux 6.16 a process has a table of its waiting threads for itself, with a few slots for each core (16 on
    two): of ten thousand threads 600 stand in each, and whoever wakes one looks through them, be it only to hand on
    the interpreter's lock. Measured: a message to another thread and its answer take 86 µs beside ten thousand that
    wait, and with these slots 14, as beside ten. Earlier kernels have one table for all, and refuse."""
    ctypes.CDLL(None).prctl(_PR_FUTEX_HASH, _SET_SLOTS, SLOTS, 0, 0)


def collect_rarely() -> None:
    """Have the interpreter look through everything for garbage a hundred times less often.

    Hardly anything here is garbage that counting references does not find (measured: 0 to 48 objects each time), but
    to look for it takes half a second with ten thousand calls, in which no other thread does anything. What is young
    is looked through as ever."""
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, old * 100)
