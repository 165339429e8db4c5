"""Who hangs: of the actors that one has started, those whose mailbox does not move. A plain rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from actors.addresses import Address

PULSE = timedelta(seconds=30)
"""How often signs of life are asked for: each wakes an actor, and its parent, and there may be thousands."""
PATIENCE_S = 90.0
"""Longer than an actor may wait for anything: a connection (10 s) and a statement (30 s), and both once more."""


@dataclass(frozen=True)
class FeelPulse:
    """Reminder: time to ask for signs of life."""


class VitalSigns:
    """Each actor is asked for a sign of life, and again once it has given it; one that has given none for longer than
    `patience_s` hangs. Seconds are a stopwatch's: real ones, whatever the clock. A pulse that comes late itself says
    that this process stood still: then the waiting begins anew, for all."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._asked: dict[Address, float] = {}
        self._last_pulse: float | None = None

    def to_ask(self, present: Iterable[Address], now: float) -> list[Address]:
        """Whom of those present to ask now; who is not present is forgotten."""
        if self._last_pulse is not None and now - self._last_pulse > self._patience_s / 2:
            self._asked.clear()
        self._last_pulse = now
        here = list(present)
        self._asked = {address: self._asked[address] for address in here if address in self._asked}
        asked = [address for address in here if address not in self._asked]
        self._asked |= dict.fromkeys(asked, now)
        return asked

    def hanging(self, now: float) -> list[Address]:
        """Those whose sign of life is overdue."""
        return [address for address, since in self._asked.items() if now - since > self._patience_s]

    def seen(self, address: Address) -> None:
        """A sign of life has come, or the actor there is another one now."""
        self._asked.pop(address, None)
