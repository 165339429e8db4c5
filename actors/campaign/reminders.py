"""What a campaign's actor sends to itself, at once or through the timer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Proceed:
    """To itself, behind all that waits in the mailbox: what may be dialed now, after all of it?"""


@dataclass(frozen=True)
class Settle:
    """To itself, behind the results that wait in the mailbox: write them all at once."""


@dataclass(frozen=True)
class WorkDue:
    """Reminder: a retry has come due, or it is time to look."""


@dataclass(frozen=True)
class MayDial:
    """Reminder: the window opens, or time has made room in the limit."""


@dataclass(frozen=True)
class Return:
    """Reminder: is the lease that was lost ours again?"""


@dataclass(frozen=True)
class Pulse:
    """Reminder: look around, in case an event was lost."""
