"""States of a campaign, made of rows: what explain reads is only the database, so nothing has to run for it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from actors.ids import new_id
from actors.limiter import CallLimits
from supervisor.explain.explanation import CampaignExplanation, TaskExplanation, explain_campaign, explain_task
from supervisor.explain.reasons import Reason

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)  # a Tuesday; 15:00 in Moscow, 07:00 in New York
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ACME, SPRING, AUTUMN = UUID(int=1), UUID(int=11), UUID(int=12)
MOSCOW, NEW_YORK, VLADIVOSTOK = "+74951230013", "+12125550112", "+74232300014"


class States:
    """A company with a running campaign, `spring`, and another one; a service seems to work them."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.trunks = {"main": CallLimits()}
        self.now = NOW
        self._tasks = 0
        self.insert("companies", id=ACME, slug="acme", name="Acme", created_at=NOW, updated_at=NOW)
        self.insert(
            "skillbases", id=ACME, company_id=ACME, slug="s", agent_name="agent", created_at=NOW, updated_at=NOW
        )
        self.insert("supervisors", id=ACME, host="h", pid=1, version="0", started_at=NOW, heartbeat_at=NOW)
        for campaign, slug in ((SPRING, "spring"), (AUTUMN, "autumn")):
            self.insert(
                "campaigns",
                id=campaign,
                slug=slug,
                name=slug.title(),
                company_id=ACME,
                skillbase_id=ACME,
                trunk="main",
                status="running",
                default_region="RU",
                created_at=NOW,
                updated_at=NOW,
            )
            far = datetime.now(UTC) + HOUR  # leases are by PostgreSQL's own clock
            self.insert("campaign_leases", campaign_id=campaign, supervisor_id=ACME, epoch=1, expires_at=far)

    def stop_service(self) -> None:
        """As a stopping service leaves it."""
        self.connection.execute("UPDATE campaign_leases SET expires_at = now()")

    def insert(self, table: str, **values: Any) -> None:
        names = sql.SQL(", ").join(map(sql.Identifier, values))
        places = sql.SQL(", ").join(map(sql.Placeholder, values))
        self.connection.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), names, places), values
        )

    def campaign(self, **values: Any) -> None:
        """Change spring's row."""
        self._update("campaigns", SPRING, values)

    def company(self, **values: Any) -> None:
        self._update("companies", ACME, values)

    def task(self, number: str | None = None, campaign: UUID = SPRING, **values: Any) -> UUID:
        """A pending task, the latest of its campaign."""
        self._tasks += 1
        row = {
            "id": UUID(int=1000 + self._tasks),
            "campaign_id": campaign,
            "phone_number": number or f"+7945{self._tasks:07}",
            "created_at": NOW - HOUR + timedelta(microseconds=self._tasks),
            "updated_at": NOW - HOUR,
            "due": values.get("status", "pending") in ("pending", "retry") and "next_attempt_at" not in values,
        } | values
        self.insert("call_tasks", **row)
        return UUID(int=row["id"].int)

    def call(
        self, task: UUID, began: datetime | None, state: str = "answered", campaign: UUID = SPRING, **values: Any
    ) -> None:
        """A call of this task that began then and, if its state is `ended`, nobody took."""
        ((number, attempt),) = self.connection.execute(
            "SELECT phone_number, (SELECT count(*) + 1 FROM calls c WHERE c.task_id = t.id) FROM call_tasks t"
            " WHERE id = %s",
            (task,),
        ).fetchall()
        row = {
            "id": new_id(),
            "task_id": task,
            "campaign_id": campaign,
            "company_id": ACME,
            "trunk": "main",
            "phone_number": number,
            "attempt": attempt,
            "state": state,
            "outcome": "no_answer" if state == "ended" else None,
            "claimed_at": began or self.now,
            "dialing_at": began,
        } | values
        self.insert("calls", **row)

    def in_progress(self, began: datetime | None = NOW - 5 * MINUTE, campaign: UUID = SPRING, **values: Any) -> UUID:
        """A task whose call is up."""
        task = self.task(None, campaign, status="in_progress", attempt_count=1, last_attempt_at=began)
        self.call(task, began, campaign=campaign, **values)
        return task

    def begun(self, began: datetime, campaign: UUID = SPRING) -> UUID:
        """A task whose call began then and is over; it is settled."""
        task = self.task(None, campaign, status="failed", outcome="no_answer", attempt_count=1)
        self.call(task, began, "ended", campaign)
        return task

    def forbid(self, number: str, company: UUID | None = None, reason: str | None = None) -> None:
        self.insert("do_not_call", id=new_id(), company_id=company, phone_number=number, reason=reason, created_at=NOW)

    def hold(self, name: str, message: str, error: str | None = None) -> None:
        """The hold, and the status that follows from it."""
        self.insert("campaign_holds", campaign_id=SPRING, hold=name, message=message, error=error, created_at=NOW)
        self.campaign(status="paused", status_message=message)

    def why(self, task: UUID | None = None, number: str | None = None) -> TaskExplanation:
        return explain_task(self.connection, SPRING, self.trunks, self.now, task=task, number=number)

    def reasons(self, task: UUID) -> list[Reason]:
        """All reasons of one task, by precedence."""
        return [hindrance.reason for hindrance in self.why(task).hindrances]

    def counted(self) -> CampaignExplanation:
        return explain_campaign(self.connection, SPRING, self.trunks, self.now)

    def counts(self) -> dict[Reason, int]:
        """How many tasks have which first reason."""
        counts: Counter[Reason] = Counter()
        for count in self.counted().counts:
            counts[count.reason] += count.tasks
        return dict(counts)

    def _update(self, table: str, id_: UUID, values: dict[str, Any]) -> None:
        changes = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values
        )
        statement = sql.SQL("UPDATE {} SET {} WHERE id = %(id_)s").format(sql.Identifier(table), changes)
        self.connection.execute(statement, values | {"id_": id_})
