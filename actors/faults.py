"""Named points of a call's life at which the process can be told to die: how the crash tests prove what is promised.

`CAMPAIGND_KILL_AT=after_claim:3` kills the process, as SIGKILL does, when it reaches that point for the third time.
"""

from __future__ import annotations

import itertools
import os
import signal

_point, _, _nth = os.environ.get("CAMPAIGND_KILL_AT", "").partition(":")
_reached = itertools.count(1)

POINTS = (
    "before_claim",
    "after_claim",
    "before_room",
    "after_room",
    "before_dial",
    "before_answer",
    "before_recording_row",
    "after_recording_row",
    "after_answer",
    "before_settle",
    "after_settle",
    "before_lease_renewal",
    "after_lease_renewal",
)
"""In the order in which a call meets them; the last two belong to the Roster."""


def reach(point: str) -> None:
    """Say that this point is reached. Does nothing unless the environment asks for death here."""
    if point == _point and next(_reached) == int(_nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
