"""The thread that imports call lists after a reload, so that the main thread stays free for signals."""

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

Wanted = tuple[Snapshot, Mapping[str, UUID]]
"""A configuration, and its campaigns' ids by their slugs."""


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

    def want(self, snapshot: Snapshot, campaigns: Mapping[str, UUID]) -> None:
        """Have the lists of this configuration imported. Returns at once."""
        with self._changed:
            self._wanted = snapshot, campaigns
            self._changed.notify()

    def import_now(self, snapshot: Snapshot, campaigns: Mapping[str, UUID], progress: Progress) -> None:
        """Import the lists of this configuration before returning; what can't be done now is then wanted. Raises what
        `progress` raises."""
        if put_off := self._attempt(snapshot, campaigns, progress):
            self.want(snapshot, put_off)

    def is_idle(self) -> bool:
        """Whether everything that was wanted has been done."""
        with self._changed:
            return self._wanted is None and not self._busy

    def stop(self) -> None:
        """Leave what is under way and end. Returns when the thread has, or after a few seconds: one that waits for
        PostgreSQL or for another import is left, and what it began is undone when the process ends."""
        self._stopping.set()
        with self._changed:
            self._changed.notify()
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
            self._busy = False
            self._changed.wait_for(lambda: self._wanted is not None or self._stopping.is_set())
            wanted, self._wanted = self._wanted, None
            self._busy = wanted is not None
        return None if self._stopping.is_set() else wanted

    def _import(self, wanted: Wanted) -> None:
        snapshot, campaigns = wanted
        pause_s = _TRY_AGAIN_S
        while campaigns := self._attempt(snapshot, campaigns, self._unless_stopped):
            if self._newer_or_stopping_within(pause_s):
                return
            pause_s = min(2 * pause_s, _LONGEST_TRY_AGAIN_S)

    def _attempt(self, snapshot: Snapshot, campaigns: Mapping[str, UUID], progress: Progress) -> Mapping[str, UUID]:
        """Those of the campaigns for which it is to be done again."""
        try:
            with psycopg.connect(self._dsn, autocommit=True) as connection:
                return import_and_start(connection, snapshot, campaigns, self._now, progress)
        except OUTAGE as error:
            self._log.warning("call_lists_put_off", reason=str(error))
            return campaigns

    def _newer_or_stopping_within(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._wanted is not None or self._stopping.is_set(), seconds)

    def _unless_stopped(self, slug: str, done: int, total: int) -> None:
        if self._stopping.is_set():
            raise Stopped
