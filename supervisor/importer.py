"""The thread that imports call lists, so that the main thread stays free for signals: a start waits until each has been
tried once, a reload for nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

import psycopg
import structlog

from actors.actor import OUTAGE
from supervisor.config.apply import Progress, import_and_start
from supervisor.config.load import Snapshot
from supervisor.database.pool import connection_string

_TRY_AGAIN_S, _LONGEST_TRY_AGAIN_S = 5.0, 60.0
"""The pause before something is tried again doubles up to the longest; a reload does not wait for it."""
_STOP_TIMEOUT_S = 5.0

Wanted = tuple[Snapshot, Mapping[str, UUID], Progress]
"""A configuration, its campaigns' ids by their slugs, and who is told how far the first attempt is."""


def _nobody(slug: str, done: int, total: int) -> None:
    """Is told how far an import is."""


class Stopped(Exception):
    """The process ends: the list that is being imported is left, and nothing of it stays."""


class Importer:
    """Imports the lists that are new or changed, and starts enabled drafts, one configuration after the other; of those
    that are asked for meanwhile only the latest. What PostgreSQL or a file does not allow now is tried again."""

    def __init__(self, dsn: str, now: Callable[[], datetime], on_death: Callable[[BaseException], None]) -> None:
        """`on_death` is told of an error that is nobody's but ours: the process can't go on."""
        self._dsn = connection_string(dsn, "campaignd import")
        self._now = now
        self._on_death = on_death
        self._changed = threading.Condition()
        self._wanted: Wanted | None = None
        self._busy = False
        self._stopping = threading.Event()
        self._log = structlog.get_logger()
        self._thread = threading.Thread(target=self._live, name="importer", daemon=True)

    def start(self) -> None:
        """Begin to wait for work."""
        self._thread.start()

    def want(self, snapshot: Snapshot, campaigns: Mapping[str, UUID], progress: Progress = _nobody) -> None:
        """Have the lists of this configuration imported. Returns at once. Until each has been tried once, `progress` is
        told how far that is, on a thread of its own."""
        with self._changed:
            self._wanted = snapshot, campaigns, progress
            self._changed.notify_all()

    def has_tried(self, within_s: float) -> bool:
        """Wait, at most this long, until everything that was wanted is done, or to be tried again; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._wanted is None and not self._busy, within_s)

    def stop(self) -> None:
        """Leave what is under way and end. Returns when the thread has, or after a few seconds: one that waits for
        PostgreSQL is left, and what it began is undone when the process ends."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(_STOP_TIMEOUT_S)

    def _live(self) -> None:
        try:
            while (wanted := self._next()) is not None:
                self._import(wanted)
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - reported, and the process ends
            self._on_death(error)

    def _next(self) -> Wanted | None:
        with self._changed:
            self._changed.wait_for(lambda: self._wanted is not None or self._stopping.is_set())
            wanted, self._wanted = self._wanted, None
            self._busy = wanted is not None
        return None if self._stopping.is_set() else wanted

    def _import(self, wanted: Wanted) -> None:
        snapshot, campaigns, progress = wanted
        campaigns = self._attempt(snapshot, campaigns, progress)
        with self._changed:
            self._busy = False
            self._changed.notify_all()
        pause_s = _TRY_AGAIN_S
        while campaigns and not self._newer_or_stopping_within(pause_s):
            campaigns = self._attempt(snapshot, campaigns, _nobody)
            pause_s = min(2 * pause_s, _LONGEST_TRY_AGAIN_S)

    def _attempt(self, snapshot: Snapshot, campaigns: Mapping[str, UUID], progress: Progress) -> Mapping[str, UUID]:
        """Those of the campaigns for which it is to be done again."""

        def unless_stopped(slug: str, done: int, total: int) -> None:
            if self._stopping.is_set():
                raise Stopped
            progress(slug, done, total)

        try:
            with psycopg.connect(self._dsn, autocommit=True) as connection:
                return import_and_start(connection, snapshot, campaigns, self._now, unless_stopped)
        except OUTAGE as error:
            self._log.warning("call_lists_put_off", reason=str(error))
            return campaigns

    def _newer_or_stopping_within(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._wanted is not None or self._stopping.is_set(), seconds)
