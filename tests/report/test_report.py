"""The figures beyond the summary."""

from __future__ import annotations

from typing import Any

import ledger
import psycopg
import pytest
from psycopg.errors import ReadOnlySqlTransaction

from supervisor.database.snapshot import snapshot
from supervisor.report.report import Report, read_report
from supervisor.report.summary import as_json

Connection = psycopg.Connection[Any]

NO_COST = {"amount": None, "currency": None, "per_call": None, "per_success": None}


def report(connection: Connection, company: str = "acme") -> Report:
    with snapshot(connection):
        return read_report(connection, company=company)


def test_how_a_campaigns_calls_went(connection: Connection) -> None:
    spring = report(connection).campaigns[1].analytics.as_json()
    hours = spring.pop("by_hour")
    assert spring == {
        "attempts": 5,  # of six calls, the one refused for our pace is no attempt
        "contacts_reached": 2,
        "attempts_per_contact_reached": 2.5,
        "average_duration_s": 90.0,
        "p95_duration_s": 117.0,
        "average_ring_time_s": 15.0,  # 10 and 20
        "p95_ring_time_s": 19.5,
        "average_time_to_agent_s": 1.0,  # 2, and 0 for the agent who was there first
        "p95_time_to_agent_s": 1.9,
    }
    assert hours == [  # in Moscow
        {"hour": 0, "calls": 1, "answered": 0, "average_duration_s": None, "cost": NO_COST},
        {
            "hour": 9,
            "calls": 2,
            "answered": 1,
            "average_duration_s": 60.0,
            "cost": {"amount": 0.1, "currency": "EUR", "per_call": 0.05, "per_success": 0.1},
        },
        {
            "hour": 10,
            "calls": 2,
            "answered": 1,
            "average_duration_s": 120.0,
            "cost": {"amount": 0.2, "currency": "EUR", "per_call": 0.1, "per_success": 0.2},
        },
        {
            "hour": 23,
            "calls": 1,
            "answered": 0,
            "average_duration_s": None,
            "cost": {"amount": 0.01, "currency": "EUR", "per_call": 0.01, "per_success": None},
        },
    ]


def test_a_companys_campaigns_together(connection: Connection) -> None:
    company = report(connection).as_json("acme")["company"]
    hours = company["analytics"].pop("by_hour")
    assert company == {
        "slug": "acme",
        "tasks": {"total": 7, "pending": 1, "in_progress": 1, "retry": 1, "completed": 3, "failed": 1},
        "calls": {
            "total": 7,
            "by_outcome": {"answered": 3, "no_answer": 1, "busy": 1, "invalid_number": 1, "rate_limited": 1},
        },
        "success_rate": 0.75,
        "average_duration_s": 70.0,  # 30, 60 and 120
        "p95_duration_s": 114.0,  # 60 + 0.9 × 60
        "cost": NO_COST | {"by_currency": {"EUR": 0.31, "USD": 0.02}},
        "analytics": {
            "attempts": 6,
            "contacts_reached": 3,
            "attempts_per_contact_reached": 2.0,
            "average_duration_s": 70.0,
            "p95_duration_s": 114.0,
            "average_ring_time_s": 11.667,  # 5, 10 and 20
            "p95_ring_time_s": 19.0,
            "average_time_to_agent_s": 1.0,
            "p95_time_to_agent_s": 1.9,
        },
    }
    # Each call in its own campaign's hour: 13:00 UTC was 8 o'clock in New York.
    assert [(hour["hour"], hour["calls"]) for hour in hours] == [(0, 1), (8, 1), (9, 2), (10, 2), (23, 1)]


def test_the_report_has_the_shape_of_status_and_the_key_analytics(connection: Connection) -> None:
    found = report(connection)
    campaigns = found.as_json()["campaigns"]
    assert all(campaign.pop("analytics") for campaign in campaigns)
    assert {"campaigns": campaigns} == as_json([campaign.summary for campaign in found.campaigns])


def test_nothing_called_yet(connection: Connection) -> None:
    (campaign,) = report(connection, "globex").as_json()["campaigns"]
    analytics = campaign["analytics"]
    assert (analytics.pop("attempts"), analytics.pop("contacts_reached"), analytics.pop("by_hour")) == (0, 0, [])
    assert set(analytics.values()) == {None}


def test_a_snapshot_stays_as_it_was_and_is_read_only(connection: Connection, dsn: str) -> None:
    with snapshot(connection):
        before = read_report(connection, company="acme")
        with psycopg.connect(dsn, autocommit=True) as other:
            ledger.insert_task(other, 8, ledger.AUTUMN, "pending")
        assert read_report(connection, company="acme") == before
    assert report(connection).total().tasks.total == before.total().tasks.total + 1
    with pytest.raises(ReadOnlySqlTransaction), snapshot(connection):
        connection.execute("DELETE FROM receipts")
