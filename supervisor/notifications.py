"""Listens to PostgreSQL's notifications and turns them into messages, so that nobody has to poll."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar
from uuid import UUID

import psycopg
import structlog
from psycopg.abc import PQGen

from actors.addresses import BREAKERS, JOBS, ROSTER, Directory, campaign_address
from actors.breakers.messages import BreakerChanged
from actors.campaign.messages import TasksAdded
from actors.jobs.messages import JobAdded
from actors.roster import leases
from actors.roster.messages import CampaignChanged, CompanySlotsFreed, LookAround
from supervisor.database.pool import connection_string

_QUIET_S = 20.0
"""After so long without a notification the connection is tried."""
RECONNECT_PAUSES_S = (0.1, 0.5, 1.0, 2.0)
"""After a start of PostgreSQL, which refuses one attempt or another meanwhile, we appear again before we count as gone
(`supervisor_is_gone`): others would fetch again what we are fetching, beside us."""


T = TypeVar("T")


class _Sleeping(psycopg.AsyncConnection[Any]):
    """Sleeps until PostgreSQL says something: psycopg looks up ten times a second, for whoever can't be cancelled."""

    async def wait(self, gen: PQGen[T], interval: float = _QUIET_S, timeout: float | None = None) -> T:
        return await super().wait(gen, interval, timeout)


class Listener:
    """A connection of its own, on the event loop. While it is lost notifications are lost too: after each reconnect
    the Roster is told to look around, and campaigns look for themselves at their slow pulse. By it, too, other
    supervisors see that this one is there."""

    def __init__(self, dsn: str, directory: Directory, supervisor_id: UUID) -> None:
        self._dsn = connection_string(dsn, "campaignd listener")
        self._directory = directory
        self._supervisor_id = supervisor_id
        self.listening = asyncio.Event()
        """Set once it has begun to listen."""
        self.connected = False
        """Whether it listens now."""
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Listen until cancelled."""
        failures = 0
        while True:
            try:
                async with await _Sleeping.connect(self._dsn, autocommit=True) as connection:
                    await connection.execute(leases.APPEAR, (self._supervisor_id,))
                    await connection.execute("LISTEN campaignd")
                    self.connected = True
                    self.listening.set()
                    self._directory.tell(ROSTER, LookAround())
                    failures = 0
                    while True:
                        async for notification in connection.notifies(timeout=_QUIET_S):
                            self._pass_on(notification.payload)
                        async with asyncio.timeout(_QUIET_S):  # a connection may fall silent without being closed
                            await connection.execute("SELECT")
            except (psycopg.Error, TimeoutError) as error:
                self.connected = False
                pause = RECONNECT_PAUSES_S[min(failures, len(RECONNECT_PAUSES_S) - 1)]
                failures += 1
                self._log.warning("listener_lost", error=str(error), retry_in_s=pause)
                await asyncio.sleep(pause)

    def _pass_on(self, payload: str) -> None:
        subject, _, text = payload.partition(":")
        if subject == "breaker":
            self._directory.tell(BREAKERS, BreakerChanged())
            return
        try:
            subject_id = UUID(text)
        except ValueError:
            self._log.warning("notification_not_understood", payload=payload)
            return
        match subject:
            case "tasks":
                self._directory.tell(campaign_address(subject_id), TasksAdded())
            case "campaign":
                self._directory.tell(ROSTER, CampaignChanged(subject_id))
            case "jobs":
                self._directory.tell(JOBS, JobAdded(subject_id))
            case "company":
                self._directory.tell(ROSTER, CompanySlotsFreed(subject_id))
            case _:
                self._log.warning("notification_not_understood", payload=payload)
