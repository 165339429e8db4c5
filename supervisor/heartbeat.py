"""What the main thread tells systemd at every turn: that the process is alive, and what it is doing."""

from __future__ import annotations

from time import monotonic

import structlog

from supervisor.notify import ServiceManager
from supervisor.reload import Result
from supervisor.service import Service

_INTERVAL_S = 0.5
_PATIENCE_S = 5.0
_EXTENSION_S = 20.0
"""A process that has come to its last beat is given so much longer to start or to stop, and not more."""
_CLOSING_S = 90.0
"""What may take long has time limits of its own, which are within this one together: the actors and the embedded
PostgreSQL. The rest takes moments."""


class Heartbeat:
    """Feeds the watchdog, but only after a round trip through the tree: a process that lives and does nothing is
    killed and started again. For the main thread, which calls one of these at every turn of what it does, and before
    that for whoever imports; systemd is told at most every `interval_s`."""

    def __init__(self, manager: ServiceManager, service: Service) -> None:
        self._manager = manager
        self._service = service
        watchdog_s = manager.watchdog_s
        self.interval_s = _INTERVAL_S if watchdog_s is None else min(_INTERVAL_S, watchdog_s / 4)
        """The main thread wakes at least so often, in real seconds."""
        self._patience_s = _PATIENCE_S if watchdog_s is None else min(_PATIENCE_S, watchdog_s / 4)
        self._next = 0.0
        self._silent: list[str] = []
        self._refused = False

    @property
    def doing(self) -> str:
        """What the service is doing, in a line."""
        campaigns, calls = self._service.directory.count("campaign"), self._service.calls_in_progress()
        refused = "; the last reload was refused: the log has why (configuration_refused)" if self._refused else ""
        return f"{_count(campaigns, 'campaign')}, {_count(calls, 'call')} in progress{refused}"

    def importing(self, slug: str, done: int, total: int) -> None:
        """A campaign's list is being imported, and this much of it is read: that may take as long as it moves, or waits
        for another import (0 of 0)."""
        if self._is_due():
            waits = f"waiting for another import into {slug}"
            self._manager.extend(_EXTENSION_S, f"importing the list of {slug}: {done / total:.0%}" if total else waits)

    def running(self) -> None:
        """Campaigns are being worked."""
        if self._is_due() and self._answers():
            self._manager.alive(self.doing)

    def reloading(self) -> None:
        """The files are about to be read again: PostgreSQL may take its time to answer."""
        self._manager.extend(_EXTENSION_S, "reloading")

    def reloaded(self, result: Result) -> None:
        """What became of it: one that was refused is told until another is not."""
        self._refused = result is Result.REFUSED

    def draining(self) -> None:
        """Calls in progress are waited for, and their results: that may take as long as the tree answers."""
        if self._is_due() and self._answers():
            calls = self._service.calls_in_progress()
            status = f"draining: {_count(calls, 'call')} in progress" if calls else "draining: results to be written"
            self._manager.alive(status)
            self._manager.extend(_EXTENSION_S, status)

    def closing(self) -> None:
        """What runs is being stopped, the tree too: nobody can be asked any more."""
        self._manager.extend(_CLOSING_S, "stopping")

    def _is_due(self) -> bool:
        now = monotonic()
        if now < self._next:
            return False
        self._next = now + self.interval_s
        return True

    def _answers(self) -> bool:
        silent = self._service.silent(self._patience_s)
        if silent and silent != self._silent:
            structlog.get_logger().error("not_answering", who=silent, within_s=self._patience_s)
        self._silent = silent
        return not silent


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
