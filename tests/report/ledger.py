"""A small ledger whose figures are worked out by hand.

Company acme: `spring` (Moscow) with six contacts and `autumn` (New York) with one; company globex: `draft`, empty.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

ACME, GLOBEX = UUID(int=1), UUID(int=2)
SPRING, AUTUMN, DRAFT = UUID(int=0x11), UUID(int=0x12), UUID(int=0x13)
DAY = datetime(2026, 3, 2, tzinfo=UTC)  # New York is at -05:00, Moscow at +03:00


def at(clock: str) -> datetime:
    """A UTC time of the day."""
    hours, minutes, seconds = map(int, clock.split(":"))
    return DAY + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def fill(connection: psycopg.Connection[Any]) -> None:
    """Insert everything."""
    for id_, slug in ((ACME, "acme"), (GLOBEX, "globex")):
        connection.execute(
            "INSERT INTO companies (id, slug, name, created_at, updated_at) VALUES (%s, %s, %s, %s, %s)",
            (id_, slug, slug.title(), DAY, DAY),
        )
        connection.execute(
            "INSERT INTO skillbases (id, company_id, slug, agent_name, created_at, updated_at)"
            " VALUES (%s, %s, 's', 'agent', %s, %s)",
            (id_, id_, DAY, DAY),
        )
    insert_campaign(connection, SPRING, ACME, "spring", "Spring renewals", "paused", "Europe/Moscow")
    insert_campaign(connection, AUTUMN, ACME, "autumn", "Autumn survey", "completed", "America/New_York")
    insert_campaign(connection, DRAFT, GLOBEX, None, "Draft", "draft", "UTC")
    connection.execute(
        "UPDATE campaigns SET status_message = 'Trunk main is failing', status_error = '503' WHERE id = %s", (SPRING,)
    )
    for hold, second in (("operator", 2), ("breaker:trunk:main", 1)):
        connection.execute(
            "INSERT INTO campaign_holds VALUES (%s, %s, 'held', NULL, %s)",
            (SPRING, hold, DAY + timedelta(seconds=second)),
        )
    _spring(connection)
    _autumn(connection)


def insert_campaign(
    connection: psycopg.Connection[Any],
    id_: UUID,
    company: UUID,
    slug: str | None,
    name: str,
    status: str = "draft",
    timezone: str = "UTC",
) -> None:
    connection.execute(
        "INSERT INTO campaigns (id, company_id, skillbase_id, slug, name, trunk, status, timezone, created_at,"
        " updated_at) VALUES (%s, %s, %s, %s, %s, 'main', %s, %s, %s, %s)",
        (id_, company, company, slug, name, status, timezone, DAY, DAY),
    )


def insert_task(
    connection: psycopg.Connection[Any],
    id_: int,
    campaign: UUID,
    status: str,
    name: str | None = None,
    data: dict[str, Any] | None = None,
    **values: Any,
) -> None:
    row = {
        "id": UUID(int=id_),
        "campaign_id": campaign,
        "phone_number": f"+7999000{id_:04}",
        "contact_name": name,
        "contact_data": Jsonb(data or {}),
        "status": status,
        "created_at": DAY + timedelta(microseconds=id_),
        "updated_at": DAY,
    } | values
    _insert(connection, "call_tasks", row)


def insert_call(
    connection: psycopg.Connection[Any],
    id_: int,
    task: int,
    campaign: UUID,
    attempt: int,
    outcome: str | None,
    cost: tuple[str, str] | None = None,
    **times: str | bool,
) -> None:
    """Times are of DAY, in UTC; `cost` is an amount and its currency."""
    values = {name: at(time) if isinstance(time, str) else time for name, time in times.items()}
    row = {
        "id": UUID(int=id_),
        "task_id": UUID(int=task),
        "campaign_id": campaign,
        "company_id": ACME,
        "trunk": "main",
        "phone_number": f"+7999000{task:04}",
        "attempt": attempt,
        "outcome": outcome,
        "state": "ended" if outcome else "answered",
        "claimed_at": values["dialing_at"],
    } | values
    _insert(connection, "calls", row)
    if outcome:
        connection.execute("UPDATE call_tasks SET call_id = %s WHERE id = %s", (UUID(int=id_), UUID(int=task)))
    if cost:
        connection.execute(
            "INSERT INTO receipts VALUES (%s, %s, %s, %s, %s, 'provider', %s)",
            (UUID(int=id_), UUID(int=id_), ACME, *cost, DAY),
        )


def _spring(connection: psycopg.Connection[Any]) -> None:
    insert_task(
        *(connection, 1, SPRING, "completed", "Анна", {"city": "Псков", "status": "VIP"}),
        outcome="answered",
        attempt_count=2,
        priority=5,
        last_attempt_at=at("06:30:00"),
    )
    insert_task(connection, 2, SPRING, "completed", "Bob", {"city": "=1+1"}, outcome="answered", attempt_count=1)
    insert_task(connection, 3, SPRING, "failed", "@x", {"city": "-1"}, outcome="invalid_number", attempt_count=1)
    insert_task(connection, 4, SPRING, "retry", "+7 (999) ooo", {"age": 41}, outcome="busy", attempt_count=1)
    insert_task(connection, 5, SPRING, "pending", "=HYPERLINK(1)", {"tags": ["a", "b"]})
    insert_task(connection, 6, SPRING, "in_progress", None, attempt_count=1)
    insert_call(connection, 101, 1, SPRING, 1, "no_answer", dialing_at="06:00:00", ended_at="06:00:30")
    insert_call(
        *(connection, 102, 1, SPRING, 2, "answered", ("0.10", "EUR")),
        dialing_at="06:30:00",
        answered_at="06:30:10",
        agent_joined_at="06:30:12",
        ended_at="06:31:10",
    )
    insert_call(  # its agent was in the room a second before the contact
        *(connection, 103, 2, SPRING, 1, "answered", ("0.20", "EUR")),
        dialing_at="07:00:00",
        answered_at="07:00:20",
        agent_joined_at="07:00:19",
        ended_at="07:02:20",
    )
    insert_call(connection, 104, 3, SPRING, 1, "invalid_number", dialing_at="07:10:00", ended_at="07:10:01")
    insert_call(connection, 105, 4, SPRING, 1, "rate_limited", dialing_at="21:00:00", ended_at="21:00:01", counts=False)
    insert_call(connection, 106, 4, SPRING, 1, "busy", ("0.01", "EUR"), dialing_at="20:59:59", ended_at="21:00:05")
    insert_call(connection, 107, 6, SPRING, 1, None, dialing_at="21:10:00", answered_at="21:10:05")


def _autumn(connection: psycopg.Connection[Any]) -> None:
    insert_task(connection, 7, AUTUMN, "completed", "Carol", outcome="answered", attempt_count=1)
    insert_call(
        *(connection, 201, 7, AUTUMN, 1, "answered", ("0.02", "USD")),
        dialing_at="13:00:00",
        answered_at="13:00:05",
        ended_at="13:00:35",
    )


def _insert(connection: psycopg.Connection[Any], table: str, row: dict[str, Any]) -> None:
    names = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, row))
    values = psycopg.sql.SQL(", ").join(map(psycopg.sql.Placeholder, row))
    connection.execute(
        psycopg.sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(psycopg.sql.Identifier(table), names, values), row
    )
