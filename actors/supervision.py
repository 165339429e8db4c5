"""What an actor and the one that started it say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from actors.addresses import Address


class Restart(StrEnum):
    """What is done when a child has stopped by itself."""

    PERMANENT = "permanent"  # started again, whatever the reason
    TRANSIENT = "transient"  # started again after a crash
    TEMPORARY = "temporary"  # never started again


@dataclass(frozen=True)
class ChildDown:
    """An actor has ended: told exactly once to whoever started it, also for a start or stop that failed."""

    address: Address
    generation: int
    error: str | None  # None: it stopped as it was told to
    outage: bool = False  # it could not reach PostgreSQL, or there was no thread for it: not its own fault


@dataclass(frozen=True)
class GivenUp:
    """From whoever started an actor, to it: it has hung, and its address is another's. It ends if it ever comes to
    this."""


@dataclass(frozen=True)
class StartChild:
    """To the Supervisor: have an actor of this kind at this address. One that is there already stays."""

    address: Address
    kind: str
    argument: str


@dataclass(frozen=True)
class StopChild:
    """To the Supervisor: this actor is not needed any more."""

    address: Address


@dataclass(frozen=True)
class Drain:
    """Begin no new calls, also of those that are claimed or ready; those in progress go on. Told to the Supervisor,
    which tells the Roster, every trunk and every campaign, and whichever of them is started later."""
