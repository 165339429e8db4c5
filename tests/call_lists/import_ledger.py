"""What an import finds in PostgreSQL, and what it leaves there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from actors.ids import new_id
from actors.jobs.call_lists.importing import ImportResult, import_call_list

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


class Ledger:
    """One company with campaigns, seen through a connection of its own."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.connection = psycopg.connect(dsn, autocommit=True, row_factory=dict_row)
        self.company = self._company("acme")
        self.skillbase = new_id()
        self.connection.execute(
            "INSERT INTO skillbases (id, company_id, slug, agent_name, created_at, updated_at)"
            " VALUES (%s, %s, 'renewals', 'agent', %s, %s)",
            (self.skillbase, self.company, NOW, NOW),
        )

    def _company(self, slug: str) -> UUID:
        company = new_id()
        self.connection.execute(
            "INSERT INTO companies (id, slug, name, created_at, updated_at) VALUES (%s, %s, %s, %s, %s)",
            (company, slug, slug, NOW, NOW),
        )
        return company

    def campaign(self, slug: str | None = "spring", *, name: str = "Spring", status: str = "draft") -> UUID:
        campaign = new_id()
        self.connection.execute(
            "INSERT INTO campaigns (id, company_id, skillbase_id, slug, name, trunk, default_region, status,"
            " created_at, updated_at) VALUES (%s, %s, %s, %s, %s, 'main', 'RU', %s, %s, %s)",
            (campaign, self.company, self.skillbase, slug, name, status, NOW, NOW),
        )
        return campaign

    def do_not_call(self, number: str, *, everywhere: bool = False, of_another: bool = False) -> None:
        company = None if everywhere else self._company("other") if of_another else self.company
        self.connection.execute(
            "INSERT INTO do_not_call (id, company_id, phone_number, created_at) VALUES (%s, %s, %s, %s)",
            (new_id(), company, number, NOW),
        )

    def row(self, campaign: UUID) -> dict[str, Any]:
        row = self.connection.execute("SELECT * FROM campaigns WHERE id = %s", (campaign,)).fetchone()
        assert row is not None
        return row

    def tasks(self, campaign: UUID) -> list[dict[str, Any]]:
        """In the order in which they would be claimed."""
        return self.connection.execute(
            "SELECT * FROM call_tasks WHERE campaign_id = %s ORDER BY created_at", (campaign,)
        ).fetchall()

    def numbers(self, campaign: UUID) -> list[str]:
        return [task["phone_number"] for task in self.tasks(campaign)]

    def add(self, campaign: UUID, file: Path, *, connection: psycopg.Connection | None = None) -> ImportResult:
        return import_call_list(connection or self.connection, campaign, file, NOW)


def numbers(count: int, start: int = 0) -> list[str]:
    """So many different numbers that are valid."""
    return [f"+7999{1_000_000 + number}" for number in range(start, start + count)]
