"""The one JSON shape, and how its figures come about."""

from __future__ import annotations

from typing import Any

import ledger
import psycopg
import pytest

from supervisor.report.summary import as_json, read_summaries

Connection = psycopg.Connection[Any]

SPRING = {
    "id": str(ledger.SPRING),
    "slug": "spring",
    "name": "Spring renewals",
    "company": "acme",
    "status": "paused",
    "status_message": "Trunk main is failing",
    "status_error": "503",
    "holds": ["breaker:trunk:main", "operator"],
    "tasks": {"total": 6, "pending": 1, "in_progress": 1, "retry": 1, "completed": 2, "failed": 1},
    "calls": {
        "total": 6,
        "by_outcome": {"answered": 2, "no_answer": 1, "busy": 1, "invalid_number": 1, "rate_limited": 1},
    },
    "success_rate": 0.6667,  # 2 / 3
    "average_duration_s": 90.0,  # 60 and 120
    "p95_duration_s": 117.0,  # 60 + 0.95 × 60
    "cost": {"amount": 0.31, "currency": "EUR", "per_call": 0.051667, "per_success": 0.155},
}
DRAFT = {
    "id": str(ledger.DRAFT),
    "slug": None,
    "name": "Draft",
    "company": "globex",
    "status": "draft",
    "status_message": None,
    "status_error": None,
    "holds": [],
    "tasks": {"total": 0, "pending": 0, "in_progress": 0, "retry": 0, "completed": 0, "failed": 0},
    "calls": {"total": 0, "by_outcome": {}},
    "success_rate": None,
    "average_duration_s": None,
    "p95_duration_s": None,
    "cost": {"amount": None, "currency": None, "per_call": None, "per_success": None},
}


def test_a_campaign_in_numbers(connection: Connection) -> None:
    (summary,) = read_summaries(connection, campaign_ids=[ledger.SPRING])
    assert as_json([summary]) == {"campaigns": [SPRING]}
    assert list(summary.calls_by_outcome) == ["answered", "no_answer", "busy", "invalid_number", "rate_limited"]
    assert summary.calls_in_progress == 1


def test_a_campaign_without_contacts_has_no_rates(connection: Connection) -> None:
    assert as_json(read_summaries(connection, company="globex")) == {"campaigns": [DRAFT]}


def test_they_come_by_company_and_name(connection: Connection) -> None:
    assert [summary.label for summary in read_summaries(connection)] == ["autumn", "spring", str(ledger.DRAFT)]
    assert [summary.label for summary in read_summaries(connection, company="acme")] == ["autumn", "spring"]
    assert read_summaries(connection, campaign_ids=[]) == []
    assert read_summaries(connection, company="nobody") == []
    assert read_summaries(connection, campaign_ids=[ledger.SPRING], company="globex") == []


def test_tasks_are_counted_not_taken_from_the_counters(connection: Connection) -> None:
    connection.execute("UPDATE campaigns SET total_tasks = 99, completed_tasks = 98, failed_tasks = 1")
    (summary,) = read_summaries(connection, campaign_ids=[ledger.AUTUMN])
    assert (summary.tasks.total, summary.tasks.completed, summary.tasks.failed) == (1, 1, 0)


def test_amounts_of_two_currencies_are_not_added_up(connection: Connection) -> None:
    connection.execute("UPDATE receipts SET currency = 'USD' WHERE amount = 0.20")
    (summary,) = read_summaries(connection, campaign_ids=[ledger.SPRING])
    assert as_json([summary])["campaigns"][0]["cost"] == {
        "amount": None,
        "currency": None,
        "per_call": None,
        "per_success": None,
        "by_currency": {"EUR": 0.11, "USD": 0.2},
    }


@pytest.mark.parametrize("outcome", ["voicemail", "agent_failed"])
def test_only_answered_calls_have_a_duration(connection: Connection, outcome: str) -> None:
    connection.execute(
        "UPDATE calls SET outcome = %s WHERE outcome = 'answered' AND answered_at < %s",
        (outcome, ledger.at("07:00:00")),
    )
    (summary,) = read_summaries(connection, campaign_ids=[ledger.SPRING])
    assert (summary.average_duration_s, summary.p95_duration_s) == (120.0, 120.0)
