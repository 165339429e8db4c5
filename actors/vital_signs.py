"""Who hangs: of the actors that one has started, those that have been at one message for too long. A plain rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from actors.addresses import Address

PULSE = timedelta(seconds=30)
"""How often it is looked whether somebody hangs: there may be thousands."""
PATIENCE_S = 90.0
"""Longer than an actor may wait for anything: a connection (10 s) and a statement (30 s), and both once more."""


@dataclass(frozen=True)
class FeelPulse:
    """Reminder: time to look who hangs."""


class VitalSigns:
    """An actor that has been at one message for longer than `patience_s` hangs; or it has ended, and whoever was told
    did not hear it. Seconds are a stopwatch's: real ones, whatever the clock. A look that comes late itself says that
    this process stood still: then the waiting begins anew, for all."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._last_look: float | None = None
        self._moving_since = float("-inf")

    def hanging(self, at_work: Mapping[Address, float], now: float) -> list[Address]:
        """Those who hang of all who are `at_work`, each since when (`Directory.at_work`)."""
        if self._last_look is not None and now - self._last_look > self._patience_s / 2:
            self._moving_since = now
        self._last_look = now
        return [
            address for address, since in at_work.items() if now - max(since, self._moving_since) > self._patience_s
        ]
