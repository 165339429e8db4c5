"""The census: counts the tasks of the campaigns that are worked here, for whoever watches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from actors.actor import OUTAGE, Actor, Surroundings
from actors.addresses import SUPERVISOR, Address
from actors.campaign.messages import CampaignsTaken
from actors.campaign.retry import TaskStatus
from actors.statements import statement
from actors.telemetry import CountedTasks, Telemetry

_sql = partial(statement, __package__)

EVERY = timedelta(seconds=15)
"""How often tasks are counted, where counting is quick."""
SHARE = 0.01
"""At most so much of the time is spent on counting: lists of millions are counted less often."""


@dataclass(frozen=True)
class Count:
    """Reminder: count again."""


class Census(Actor):
    """One for the process. Nobody waits for it, and calling goes on without it: what it tells is for people."""

    def __init__(
        self,
        address: Address,
        generation: int,
        surroundings: Surroundings,
        *,
        supervisor_id: UUID,
        pool: ConnectionPool,
        telemetry: Telemetry,
    ) -> None:
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._supervisor_id = supervisor_id
        self._pool = pool
        self._telemetry = telemetry
        self._rests_until = self.clock.now()

    def started(self) -> None:
        self._count()

    def receive(self, message: Any) -> None:
        match message:
            case Count():
                self._count()
            case CampaignsTaken():
                self.remind("count", max(self._rests_until, self.clock.now()), Count())
            case _:
                raise TypeError(f"the census can't do anything with {message!r}")

    def _count(self) -> None:
        now, began = self.clock.now(), self.stopwatch()
        try:
            with self._pool.connection() as connection:
                self._telemetry.tasks_counted(read_census(connection, self._supervisor_id, now))
        except OUTAGE as error:
            self.log.warning("tasks_not_counted", error=str(error))
        self._rests_until = now + timedelta(seconds=(self.stopwatch() - began) / SHARE)
        self.remind("count", max(self._rests_until, now + EVERY), Count())


def read_census(connection: Connection, supervisor_id: UUID, now: datetime) -> Mapping[str, CountedTasks]:
    """The lists of the campaigns that this supervisor holds, under the campaigns' labels."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_sql("census"), {"supervisor": supervisor_id, "now": now}).fetchall()
    return {row["campaign"]: CountedTasks(_by_status(row), row["work_due"]) for row in rows}


def _by_status(row: Mapping[str, int]) -> dict[str, int]:
    counts = {status.value: row[status.value] for status in TaskStatus if status is not TaskStatus.PENDING}
    return {TaskStatus.PENDING.value: row["total"] - sum(counts.values()), **counts}
