"""One service that is watched: its breaker, what went wrong with it, and what PostgreSQL knows of both."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from actors.breakers.breaker import Breaker, BreakerLimits, BreakerSnapshot, State
from actors.breakers.ledger import BreakerRow
from actors.campaign.messages import ServicesFailing

EVENTS = {
    State.CLOSED: "breaker_closed",
    State.OPEN: "breaker_opened",
    State.HALF_OPEN: "breaker_half_open",
}
"""What the log calls it when a breaker comes into a state."""


class Watched:
    """A breaker with its errors, on the way to its row and back."""

    def __init__(self, service: str, limits: BreakerLimits) -> None:
        self.service = service
        self._limits = limits
        self.breaker = Breaker(limits)
        self.stored: int | None = None
        """The generation of its row; None: it has none, as far as we know."""
        self.last_error: str | None = None
        self.error_count = 0
        self._last_error_at: datetime | None = None
        self._worked_at: datetime | None = None

    def follow(self, limits: BreakerLimits) -> None:
        """Go by these limits from now on."""
        self._limits = limits
        self.breaker.follow(limits)

    def take(self, row: BreakerRow) -> None:
        """What its row says holds, whatever was decided here."""
        self.breaker = Breaker.restore(
            self._limits,
            BreakerSnapshot(
                State(row.state),
                row.generation,
                timedelta(seconds=row.open_s),
                row.changed_at,
                row.opened_at,
                row.retry_at,
            ),
        )
        self.stored = row.generation
        self.last_error, self.error_count, self._last_error_at = row.last_error, row.error_count, row.last_error_at

    def row(self) -> BreakerRow:
        """What its row is to say."""
        now = self.breaker.snapshot()
        return BreakerRow(
            self.service,
            now.state.value,
            now.generation,
            now.changed_at,
            now.opened_at,
            now.retry_at,
            now.open_for.total_seconds(),
            self.last_error,
            self.error_count,
            self._last_error_at,
        )

    def note_error(self, error: str | None, at: datetime) -> None:
        """Something has failed. While the breaker is closed, errors a window apart have nothing to do with each other
        if it worked in between."""
        before, worked = self._last_error_at, self._worked_at
        anew = before is not None and at - before > self._limits.window and worked is not None and worked > before
        if self.breaker.state is State.CLOSED and anew:
            self.error_count = 0
        self.error_count += 1
        self.last_error, self._last_error_at = error, at

    def note_success(self, at: datetime) -> None:
        """Something went well."""
        self._worked_at = max(at, self._worked_at or at)

    def forget_errors(self) -> None:
        """It works again. The last error stays, for people."""
        self.error_count = 0


def what_fails(services: Iterable[Watched]) -> ServicesFailing:
    """Those whose breakers are not closed, and those of them that are being probed."""
    states = {watched.service: watched.breaker.state for watched in services}
    return ServicesFailing(
        frozenset(service for service, state in states.items() if state is not State.CLOSED),
        frozenset(service for service, state in states.items() if state is State.HALF_OPEN),
    )
