"""Campaigns and their tasks as rows, without any actor."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import Connection, sql
from psycopg.rows import dict_row

from actors.call import Call, CallResult
from actors.campaign import ledger
from actors.campaign.ledger import CampaignRow, ClaimedTask
from actors.campaign.retry import TaskStatus, Verdict
from actors.ids import new_id
from actors.outcomes import Outcome
from tests.world import TUESDAY

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
COMPLETED = Verdict(TaskStatus.COMPLETED)
FAILED = Verdict(TaskStatus.FAILED)
RETRY = Verdict(TaskStatus.RETRY, TUESDAY + 30 * MINUTE)
UNCOUNTED = Verdict(TaskStatus.RETRY, TUESDAY + MINUTE, attempt_counts=False)


class Book:
    """A database with one supervisor, which holds the lease of every campaign made here."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._closing = ExitStack()
        self.connection = self.connect()
        self.supervisor = new_id()
        self.connection.execute(
            "INSERT INTO supervisors VALUES (%s, 'here', 1, '1', %s, %s)", (self.supervisor, TUESDAY, TUESDAY)
        )
        self._numbers = 0

    def connect(self) -> Connection:
        """One more connection, closed with the book."""
        return self._closing.enter_context(psycopg.connect(self.dsn, autocommit=True))

    def close(self) -> None:
        self._closing.close()

    def company(self, most: int | None = None) -> UUID:
        """A company, and the most calls it may have in progress."""
        company = new_id()
        self.connection.execute(
            "INSERT INTO companies (id, slug, name, max_concurrent_calls, created_at, updated_at)"
            " VALUES (%s, %s, 'A company', %s, %s, %s)",
            (company, f"c{company.hex}", most, TUESDAY, TUESDAY),
        )
        self.connection.execute(
            "INSERT INTO skillbases (id, company_id, slug, agent_name, created_at, updated_at)"
            " VALUES (%s, %s, 'renewals', 'renewals-agent', %s, %s)",
            (new_id(), company, TUESDAY, TUESDAY),
        )
        return company

    def campaign(self, company: UUID | None = None, status: str = "running") -> UUID:
        company = company or self.company()
        campaign = new_id()
        self.connection.execute(
            "INSERT INTO campaigns (id, company_id, skillbase_id, slug, name, trunk, status, created_at, updated_at)"
            " SELECT %s, company_id, id, %s, 'A campaign', 'main', %s, %s, %s FROM skillbases WHERE company_id = %s",
            (campaign, f"s{campaign.hex}", status, TUESDAY, TUESDAY, company),
        )
        self.connection.execute(
            "INSERT INTO campaign_leases VALUES (%s, %s, 1, clock_timestamp() + interval '1 hour')",
            (campaign, self.supervisor),
        )
        return campaign

    def task(
        self,
        campaign: UUID,
        *,
        priority: int = 0,
        age: timedelta = timedelta(0),
        retry_at: datetime | None = None,
        **values: Any,
    ) -> UUID:
        """A task, added `age` ago; with `retry_at` one that has been attempted once and waits for that time."""
        task = new_id()
        self._numbers += 1
        row = {
            "id": task,
            "campaign_id": campaign,
            "phone_number": f"+7945{self._numbers:07d}",
            "priority": priority,
            "status": "pending" if retry_at is None else "retry",
            "due": retry_at is None,
            "attempt_count": int(retry_at is not None),
            "next_attempt_at": retry_at,
            "created_at": TUESDAY - age,
            "updated_at": TUESDAY,
            **values,
        }
        columns = sql.SQL(", ").join(map(sql.Identifier, row))
        marks = sql.SQL(", ").join([sql.Placeholder()] * len(row))
        query = sql.SQL("INSERT INTO call_tasks ({}) VALUES ({})").format(columns, marks)
        self.connection.execute(query, list(row.values()))
        self.connection.execute("UPDATE campaigns SET total_tasks = total_tasks + 1 WHERE id = %s", (campaign,))
        return task

    def many(self, campaign: UUID, count: int) -> None:
        """So many tasks of three priorities, at once."""
        self.connection.execute(
            "INSERT INTO call_tasks (id, campaign_id, phone_number, priority, created_at, updated_at)"
            " SELECT gen_random_uuid(), %(campaign)s, '+7945' || n, n %% 3, %(now)s + n * interval '1 us', %(now)s"
            " FROM generate_series(1000000, 999999 + %(count)s) n",
            {"campaign": campaign, "now": TUESDAY, "count": count},
        )
        self.connection.execute("UPDATE campaigns SET total_tasks = total_tasks + %s WHERE id = %s", (count, campaign))

    def row(self, campaign: UUID) -> CampaignRow:
        """The campaign as its actor reads it."""
        return ledger.read_campaign(self.connection, campaign, self.supervisor)

    def claim(
        self, campaign: UUID, count: int, now: datetime = TUESDAY, connection: Connection | None = None
    ) -> list[ClaimedTask]:
        ids = [new_id() for _ in range(count)]
        return ledger.claim(connection or self.connection, self.row(campaign), ids, now).tasks

    def settle(self, campaign: UUID, *results: tuple[CallResult, Verdict]) -> None:
        ledger.settle(self.connection, self.row(campaign), results, TUESDAY)

    def read(self, query: LiteralString, *values: Any) -> list[dict[str, Any]]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()

    def task_row(self, task: UUID) -> dict[str, Any]:
        (row,) = self.read("SELECT * FROM call_tasks WHERE id = %s", task)
        return row

    def call_row(self, call: UUID) -> dict[str, Any]:
        (row,) = self.read("SELECT * FROM calls WHERE id = %s", call)
        return row

    def everything(self) -> list[list[dict[str, Any]]]:
        """All that a settlement can change."""
        return [
            self.read("SELECT * FROM call_tasks ORDER BY id"),
            self.read("SELECT * FROM calls ORDER BY id"),
            self.read("SELECT * FROM campaigns ORDER BY id"),
        ]

    def counters(self, campaign: UUID) -> tuple[int, int, int]:
        """total, completed, failed: as they are kept, and as they are counted."""
        (kept,) = self.read("SELECT total_tasks, completed_tasks, failed_tasks FROM campaigns WHERE id = %s", campaign)
        (counted,) = self.read(
            "SELECT count(*), count(*) FILTER (WHERE status = 'completed') AS completed,"
            " count(*) FILTER (WHERE status = 'failed') AS failed FROM call_tasks WHERE campaign_id = %s",
            campaign,
        )
        total, completed, failed = kept.values()
        assert (total, completed, failed) == tuple(counted.values()), "counters differ from the tasks"
        return total, completed, failed

    def in_progress(self, company: UUID) -> int:
        (row,) = self.read("SELECT count(*) FROM calls WHERE company_id = %s AND state <> 'ended'", company)
        count: int = row["count"]
        return count


def result(task: ClaimedTask, outcome: Outcome = Outcome.ANSWERED, **changes: Any) -> CallResult:
    """How the call of this task ended, as its dialer says it."""
    call = Call(
        call_id=task.call_id,
        task_id=task.task_id,
        campaign_id=new_id(),
        campaign="spring",
        trunk="main",
        attempt=task.attempt,
        max_attempts=task.max_attempts,
        phone_number=task.phone_number,
        contact_name=task.contact_name,
        contact_data=task.contact_data,
        agent_name="renewals-agent",
        agent_metadata={},
        ringing_timeout_s=30,
        max_call_duration_s=600,
        agent_timeout_s=10,
        epoch=1,
    )
    return CallResult(call, outcome, changes.pop("ended_at", TUESDAY + MINUTE), **changes)


def numbers(tasks: Sequence[ClaimedTask]) -> list[str]:
    return [task.phone_number for task in tasks]
