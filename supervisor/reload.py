"""A reload: files to snapshot, snapshot to difference, difference to what runs; all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import psycopg
import structlog

from actors.addresses import BREAKERS, JOBS, SUPERVISOR, Directory, trunk_address
from actors.breakers.messages import BreakersConfigured
from actors.dialer.gateway import Gateway
from actors.errors import ConfigurationError
from actors.jobs.messages import PaceChanged
from actors.trunk.messages import TrunkConfigured
from supervisor.config.applied import write_applied
from supervisor.config.apply import write_settings
from supervisor.config.difference import as_far_as_it_can_be, describe, difference
from supervisor.config.load import Snapshot, load
from supervisor.config.problems import ConfigurationFilesError
from supervisor.config.rules import breaker_limits, jobs_pace, trunk_limits
from supervisor.database.pool import connection_string
from supervisor.house import lines, start_trunk
from supervisor.importer import Importer
from supervisor.metrics import Metrics

_STATEMENT_TIMEOUT = "-c statement_timeout=10000 -c lock_timeout=10000"
"""The main thread waits: longer than this, and the reload is refused."""


class Result(StrEnum):
    """What became of a reload."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True)
class Reload:
    """Reads all files again and applies what differs to what runs. For the main thread.

    In this order: everything is read and validated; PostgreSQL takes all that follows from it in one transaction; then
    the appliers below tell whom it concerns. Up to the transaction anything may be wrong, and then nothing has changed;
    the appliers only set values and post messages, and can't fail. Calls are not touched: each was placed by what was
    in force then, and ends by it.
    """

    running: Callable[[], Snapshot]
    run: Callable[[Snapshot], None]
    """Makes a snapshot the one that is in force: for whoever is started from then on."""
    dsn: str
    now: Callable[[], datetime]
    directory: Directory
    gateway: Gateway
    importer: Importer
    metrics: Metrics

    def __call__(self, file: Path) -> Result:
        """Apply `file` and what belongs to it, as they are now; what is wrong is logged."""
        log = structlog.get_logger()
        running = self.running()
        try:
            read = load(file)
            changes = difference(describe(running), describe(read))
            wanted = as_far_as_it_can_be(running, read)
            self._apply(wanted)
        except (ConfigurationError, psycopg.Error) as error:
            for problem in error.problems if isinstance(error, ConfigurationFilesError) else (error,):
                log.error("configuration_refused", reason=" ".join(str(problem).split()))
            return self._count(Result.REFUSED)
        for change in changes:
            log.info("configuration_change", change=str(change))
        if waiting := [change.key for change in changes if change.needs_restart]:
            log.warning("restart_needed", keys=waiting)
        self.metrics.config_in_use(read.digest, self.now())
        result = Result.APPLIED if changes else Result.UNCHANGED
        log.info("configuration_reloaded", result=result.value, changes=len(changes))
        return self._count(result)

    def _apply(self, wanted: Snapshot) -> None:
        now = self.now()
        dsn = connection_string(self.dsn, "campaignd reload")
        with psycopg.connect(dsn, options=_STATEMENT_TIMEOUT, autocommit=True) as connection, connection.transaction():
            campaigns = write_settings(connection, wanted, now)
            write_applied(connection, wanted, now)
        before = self.running()
        self.run(wanted)
        for apply in _APPLIERS:
            apply(self, before, wanted)
        self.importer.want(wanted, campaigns)

    def _count(self, result: Result) -> Result:
        self.metrics.config_reloaded(result.value)
        return result

    def apply_trunks(self, before: Snapshot, after: Snapshot) -> None:
        """Trunks that are new are started, limits that differ are told; one that is gone permits no new calls."""
        was, trunks = before.service.trunks, after.service.trunks
        self.gateway.use_lines(lines(trunks))
        for name, trunk in trunks.items():
            if name not in was:
                self.directory.tell(SUPERVISOR, start_trunk(name))
            if was.get(name) != trunk:
                self.directory.tell(trunk_address(name), TrunkConfigured(trunk_limits(trunk)))
        for name in was.keys() - trunks.keys():
            self.directory.tell(trunk_address(name), TrunkConfigured(None))

    def apply_breakers(self, before: Snapshot, after: Snapshot) -> None:
        """When services are left alone, and which trunks are watched."""
        service = after.service
        self.directory.tell(BREAKERS, BreakersConfigured(breaker_limits(service.breaker), tuple(service.trunks)))

    def apply_jobs(self, before: Snapshot, after: Snapshot) -> None:
        """How fast background jobs are worked."""
        if before.service.jobs != after.service.jobs:
            self.directory.tell(JOBS, PaceChanged(jobs_pace(after.service.jobs)))


_APPLIERS: Sequence[Callable[[Reload, Snapshot, Snapshot], None]] = (
    Reload.apply_trunks,
    Reload.apply_breakers,
    Reload.apply_jobs,
)
"""What a reload changes in memory, beside the rows of campaigns, companies, skillbases and prices, which tell their
campaigns by themselves. None may fail."""
