"""A ledger that tests fill with what they look at."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import psycopg

from supervisor.config.service import ServiceFile
from supervisor.overview.overview import Overview
from supervisor.overview.reading import Reader
from tests.breakers.rows import write_breaker

NOW = datetime.fromisoformat("2026-12-01T09:20:00+00:00")
SERVICE = ServiceFile.model_validate(
    {
        "trunks": {
            "main": {
                "livekit_trunk_id": "ST", "from_number": "+74951234567",
                "max_concurrent_calls": 30, "calls_per_minute": 600,
            },
            "second": {"livekit_trunk_id": "ST", "from_number": "+74951234567"},
        },
        "companies": {
            "acme": {
                "name": "Acme", "max_concurrent_calls": 50,
                "skillbases": {"renewals": {"agent_name": "renewals-agent"}},
            },
            "other": {"name": "Other"},
        },
    }
)  # fmt: skip
CALLEE = "+79991234567"


class Scene:
    """Two companies, no campaign yet. Times are minutes before NOW."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self._numbers = count(1)
        for company in ("acme", "other"):
            id_ = self._insert("companies", slug=company, name=company.title(), created_at=NOW, updated_at=NOW)
            self._insert(
                "skillbases", company_id=id_, slug="s", agent_name="renewals-agent", created_at=NOW, updated_at=NOW
            )
        connection.execute("UPDATE companies SET max_concurrent_calls = 50 WHERE slug = 'acme'")

    def campaign(self, slug: str, company: str = "acme", **values: Any) -> UUID:
        """A running one, unless its status is given."""
        (company_id, skillbase_id) = self.connection.execute(
            "SELECT c.id, s.id FROM companies c JOIN skillbases s ON s.company_id = c.id WHERE c.slug = %s", (company,)
        ).fetchone() or (None, None)
        row = {"slug": slug, "name": slug.title(), "trunk": "main", "status": "running", "updated_at": NOW} | values
        return self._insert("campaigns", company_id=company_id, skillbase_id=skillbase_id, created_at=NOW, **row)

    def call(
        self, campaign: UUID, begun: float, ended: float | None = None, outcome: str | None = None, **values: Any
    ) -> UUID:
        """One that began so many minutes ago, and is in progress unless it has ended."""
        number = next(self._numbers)
        times = {"created_at": NOW, "updated_at": NOW}
        phone_number = f"+7999{number:07}"
        task = self._insert("call_tasks", campaign_id=campaign, phone_number=phone_number, **times)
        row: dict[str, Any] = {"task_id": task, "campaign_id": campaign, "phone_number": phone_number, "attempt": 1}
        row |= {"company_id": self._of(campaign, "company_id"), "trunk": self._of(campaign, "trunk")}
        row |= {"claimed_at": ago(begun), "dialing_at": ago(begun), "state": "answered"}
        if outcome is not None:
            row |= {"state": "ended", "outcome": outcome, "ended_at": ago(ended or begun)}
        return self._insert("calls", **row | values)

    def breaker(self, service: str, state: str, error: str) -> None:
        """One that is open, or half open, for five minutes."""
        values = {"last_error": error, "error_count": 7, "last_error_at": ago(4)}
        values |= {"retry_at": ago(-1)} if state == "open" else {}
        write_breaker(self.connection, service, state, ago(5), **values)

    def refused(self, trunk: str, pace: dict[str, Any]) -> None:
        """A carrier's refusals, and what they left of its trunk's limits."""
        self._execute("trunk_paces", trunk=trunk, **pace)

    def hold(self, campaign: UUID, hold: str) -> None:
        self._execute("campaign_holds", campaign_id=campaign, hold=hold, message="held", created_at=NOW)

    def failed_recording(self, call: UUID, error: str) -> None:
        company = self.connection.execute("SELECT company_id FROM calls WHERE id = %s", (call,)).fetchone()
        assert company is not None
        row = {"call_id": call, "company_id": company[0], "state": "failed", "error_message": error}
        self._insert("recordings", created_at=ago(9), updated_at=ago(3), **row)

    def failed_job(self, campaign: UUID, error: str) -> None:
        row = {"company_id": self._of(campaign, "company_id"), "job_type": "delete_leads", "status": "failed"}
        self._insert("background_jobs", error_message=error, created_at=ago(9), updated_at=ago(2), **row)

    def service(self) -> None:
        """A service at work, for three hours."""
        now = "clock_timestamp()"
        self.connection.execute(
            "INSERT INTO supervisors (id, host, pid, version, started_at, heartbeat_at)"
            f" VALUES (%s, 'dialer1', 4711, '1.2.3', %s, {now})".encode(),
            (UUID(int=7), ago(180)),
        )
        self.connection.execute("SELECT pg_advisory_lock_shared(hashtextextended(%s::text, 0))", (UUID(int=7),))

    def overview(self, reader: Reader | None = None, now: datetime = NOW) -> Overview:
        """As somebody sees it who has not looked before."""
        return (reader or Reader()).read(self.connection, SERVICE, now)

    def _of(self, campaign: UUID, column: str) -> Any:
        row = self.connection.execute(f"SELECT {column} FROM campaigns WHERE id = %s".encode(), (campaign,)).fetchone()
        assert row is not None
        return row[0]

    def _insert(self, table: str, **values: Any) -> UUID:
        id_ = UUID(int=next(self._numbers))
        self._execute(table, id=id_, **values)
        return id_

    def _execute(self, table: str, **values: Any) -> None:
        places = ", ".join(["%s"] * len(values))
        statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})"
        self.connection.execute(statement.encode(), list(values.values()))


def ago(minutes: float) -> datetime:
    """So many minutes before NOW."""
    return NOW - timedelta(minutes=minutes)
