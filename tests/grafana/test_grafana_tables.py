"""The tables that dashboards ask of PostgreSQL: run as Grafana would run them, as the role that Grafana gets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from tests.grafana.files import FOLDER, dashboards, statements
from tests.report import ledger

TABLES = [(name, title, sql) for name in dashboards() for title, sql in statements(name)]
DAY = ("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z")
MORNING = ("2026-03-02T00:00:00Z", "2026-03-02T06:40:00Z")


@pytest.fixture
def reader(dsn: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """Grafana's role, on the ledger of tests/report."""
    with psycopg.connect(dsn, autocommit=True) as owner:
        ledger.fill(owner)
        owner.execute(
            "INSERT INTO campaign_status_history (campaign_id, from_status, to_status, reason, error, created_at)"
            " VALUES (%s, 'draft', 'running', 'its file is enabled', NULL, %s),"
            " (%s, 'running', 'paused', 'Trunk main is failing', '503', %s)",
            (ledger.SPRING, ledger.at("05:00:00"), ledger.SPRING, ledger.at("06:00:00")),
        )
        for _ in range(2):  # after a migration it is run again
            owner.execute((FOLDER / "reader.sql").read_bytes())
    with psycopg.connect(make_conninfo(dsn, user="campaignd_reader"), row_factory=dict_row) as connection:
        yield connection


def ask(
    reader: psycopg.Connection[dict[str, Any]], title: str, campaign: str = "spring", period: tuple[str, str] = DAY
) -> list[dict[str, Any]]:
    (sql,) = (sql for _, each, sql in TABLES if each == title)
    sql = sql.replace("${campaign:sqlstring}", f"'{campaign}'")
    begin, end = period
    sql = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 BETWEEN '{begin}' AND '{end}'", sql)
    assert "$" not in sql
    return reader.execute(sql.encode()).fetchall()


def test_every_table_is_asked_below() -> None:
    text = (FOLDER.parent / "tests" / "grafana" / "test_grafana_tables.py").read_text(encoding="utf-8")
    assert len(TABLES) == 5
    assert not [title for _, title, _ in TABLES if f'"{title}"' not in text]


@pytest.mark.parametrize("title", [title for _, title, _ in TABLES])
def test_a_table_answers_with_rows_and_another_campaign_has_its_own(
    reader: psycopg.Connection[dict[str, Any]], title: str
) -> None:
    assert ask(reader, title)
    assert ask(reader, title) != ask(reader, title, "autumn")
    assert ask(reader, title, "no-such") == []


def test_outcomes_are_counted_by_the_hour_of_the_campaigns_zone(reader: psycopg.Connection[dict[str, Any]]) -> None:
    hours = ask(reader, "Outcomes by hour")
    assert [hour["hour"] for hour in hours] == ["2026-03-03 00:00", "2026-03-02 10:00", "2026-03-02 09:00"]
    assert [hour["calls"] for hour in hours] == [2, 2, 2]
    assert [hour["answered %"] for hour in hours] == [0, 0.5, 0.5]
    assert (hours[0]["busy"], hours[0]["failed"], hours[1]["invalid"], hours[2]["no answer"]) == (1, 1, 1, 1)
    counted = [name for name in hours[0] if name not in ("hour", "calls", "answered %")]
    assert all(sum(hour[name] for name in counted) == hour["calls"] for hour in hours), "an outcome is in no column"
    assert [hour["hour"] for hour in ask(reader, "Outcomes by hour", period=MORNING)] == ["2026-03-02 09:00"]


def test_attempts_tell_how_many_contacts_had_how_many(reader: psycopg.Connection[dict[str, Any]]) -> None:
    attempts = ask(reader, "Attempts per contact")
    assert [(row["attempts"], row["contacts"], row["reached"]) for row in attempts] == [(0, 1, 0), (1, 4, 1), (2, 1, 1)]


def test_the_summary_is_one_row_with_its_cost(reader: psycopg.Connection[dict[str, Any]]) -> None:
    (row,) = ask(reader, "Summary")
    assert (row["calls"], row["average call"], row["cost"]) == (6, 90, "0.31 EUR")
    (row,) = ask(reader, "Summary", str(ledger.DRAFT))
    assert (row["calls"], row["cost"]) == (0, None)


def test_failures_and_changes_of_status_say_why(reader: psycopg.Connection[dict[str, Any]]) -> None:
    assert {row["outcome"] for row in ask(reader, "Why calls failed")} == {
        *("no_answer", "invalid_number", "rate_limited", "busy")
    }
    assert [row["why"] for row in ask(reader, "Changes of status")] == ["Trunk main is failing", "its file is enabled"]


@pytest.mark.parametrize(
    "statement",
    ["SELECT phone_number FROM calls", "SELECT phone_number FROM call_tasks", "SELECT contact_name FROM call_tasks",
     "SELECT contact_data FROM call_tasks", "SELECT * FROM leads", "SELECT * FROM do_not_call"],
)  # fmt: skip
def test_grafanas_role_sees_nobody(reader: psycopg.Connection[dict[str, Any]], statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(statement.encode())


def test_grafanas_role_writes_nothing(reader: psycopg.Connection[dict[str, Any]]) -> None:
    with pytest.raises((psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege)):
        reader.execute("UPDATE campaigns SET name = 'mine'")
