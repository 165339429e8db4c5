"""A campaign's SQL: choosing and claiming tasks, settling results. The statements stand in `sql/`, a file each.

Everything here runs in the campaign's own thread, in short transactions; an error of PostgreSQL is raised as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, dict_row, tuple_row

from actors.campaign.retry import Verdict
from actors.campaign.settings import CampaignSettings
from actors.dialer.messages import CallResult
from actors.errors import CampaignNotFoundError
from actors.limiter import MINUTE, UNLIMITED


@dataclass(frozen=True)
class CampaignRow:
    """A campaign as its actor knows it."""

    id: UUID
    label: str  # its slug, or its id where it has none: for logs and metrics
    company_id: UUID
    company: str
    company_limited: bool
    trunk: str
    status: str
    agent_name: str
    agent_metadata: Mapping[str, Any]
    settings: CampaignSettings


@dataclass(frozen=True)
class ClaimedTask:
    """A task that is now in progress, and the call that is to reach it."""

    call_id: UUID
    task_id: UUID
    phone_number: str
    contact_name: str | None
    contact_data: Mapping[str, Any]
    attempt: int
    max_attempts: int | None


@dataclass(frozen=True)
class Claim:
    """What a claim brought. Fewer tasks than asked for: there are no more to be had now, or the company is full."""

    tasks: list[ClaimedTask]
    company_full: bool


@dataclass(frozen=True)
class Prospects:
    """What a campaign still has to do."""

    claimable: bool
    next_retry_at: datetime | None
    in_progress: bool


def read_campaign(connection: Connection, campaign_id: UUID) -> CampaignRow:
    """The campaign as it is now. Raises CampaignNotFoundError, and pydantic's ValidationError for settings that no
    longer make sense."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_sql("campaign"), {"campaign": campaign_id}).fetchone()
    if row is None:
        raise CampaignNotFoundError(f"Campaign {campaign_id} not found")
    return CampaignRow(
        id=campaign_id,
        label=row["slug"] or str(campaign_id),
        company_id=row["company_id"],
        company=row["company"],
        company_limited=row["company_max_concurrent_calls"] is not None,
        trunk=row["trunk"],
        status=row["status"],
        agent_name=row["agent_name"],
        agent_metadata=row["agent_metadata"],
        settings=_settings(row),
    )


def read_in_progress(connection: Connection, campaign: CampaignRow) -> list[tuple[UUID, datetime | None]]:
    """The campaign's calls that have not ended, and when each began; None: not yet."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(_sql("in_progress"), _ids(campaign)).fetchall()


def read_begun(connection: Connection, campaign: CampaignRow, now: datetime) -> list[datetime]:
    """When calls began that have ended, but still count against calls per minute."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_sql("begun"), {**_ids(campaign), "since": now - MINUTE}).fetchall()
    return [row[0] for row in rows]


def claim(connection: Connection, campaign: CampaignRow, call_ids: Sequence[UUID], now: datetime) -> Claim:
    """Claim up to as many tasks as there are ids, in one transaction: highest priority first, then oldest, pending
    and due retries together. Holds the company's limit, over all processes. Nothing is claimed of a campaign whose
    status is not running."""
    parameters = {**_ids(campaign), "trunk": campaign.trunk, "now": now}
    with connection.transaction():
        allowed = list(call_ids)
        if campaign.company_limited:
            allowed = allowed[: _company_room(connection, campaign)]
        connection.execute(_sql("promote"), parameters)
        with connection.cursor(row_factory=class_row(ClaimedTask)) as cursor:
            tasks = cursor.execute(_sql("claim"), {**parameters, "call_ids": allowed}).fetchall()
    return Claim(tasks, company_full=len(tasks) == len(allowed) < len(call_ids))


def settle(
    connection: Connection, campaign: CampaignRow, results: Sequence[tuple[CallResult, Verdict]], now: datetime
) -> None:
    """Write how these calls ended, what becomes of their tasks, and the campaign's counters, in one transaction.
    Settling a result again changes nothing."""
    columns: dict[str, Any] = {
        "call_ids": [result.call.call_id for result, _ in results],
        "outcomes": [result.outcome.value for result, _ in results],
        "errors": [result.error for result, _ in results],
        "sip_status_codes": [result.sip_status_code for result, _ in results],
        "sip_call_ids": [result.sip_call_id for result, _ in results],
        "answered_at": [result.answered_at for result, _ in results],
        "agent_joined_at": [result.agent_joined_at for result, _ in results],
        "ended_at": [result.ended_at for result, _ in results],
        "statuses": [verdict.status.value for _, verdict in results],
        "next_attempt_at": [verdict.next_attempt_at for _, verdict in results],
        "attempt_counts": [verdict.attempt_counts for _, verdict in results],
    }
    with connection.transaction():
        connection.execute(_sql("settle"), {**columns, "campaign": campaign.id, "now": now})
        if campaign.company_limited:
            connection.execute("SELECT pg_notify('campaignd', 'company:' || %s)", (str(campaign.company_id),))


def read_prospects(connection: Connection, campaign: CampaignRow) -> Prospects:
    """What is still to be done."""
    with connection.cursor(row_factory=class_row(Prospects)) as cursor:
        prospects = cursor.execute(_sql("prospects"), _ids(campaign)).fetchone()
    assert prospects is not None  # a SELECT without FROM has one row
    return prospects


def _company_room(connection: Connection, campaign: CampaignRow) -> int:
    with connection.cursor(row_factory=tuple_row) as cursor:
        limit = cursor.execute(_sql("company_limit"), _ids(campaign)).fetchone()
        calls = cursor.execute(_sql("company_calls"), _ids(campaign)).fetchone()
    assert limit is not None and calls is not None  # the company is there: campaigns refer to it
    # The limit may have been lifted since the campaign was read.
    return UNLIMITED if limit[0] is None else max(limit[0] - calls[0], 0)


def _ids(campaign: CampaignRow) -> dict[str, UUID]:
    return {"campaign": campaign.id, "company": campaign.company_id}


def _settings(row: Mapping[str, Any]) -> CampaignSettings:
    def table(*keys: str) -> dict[str, Any]:
        return {key: row[key] for key in keys}

    return CampaignSettings.model_validate(
        {
            "limits": table("max_concurrent_calls", "calls_per_minute"),
            "schedule": table(
                "timezone", "daily_start_time", "daily_end_time", "days", "holidays", "contact_local_time",
                "start_time", "end_time",
            ),
            "retry": {
                **table("max_retries", "backoff"),
                "retry_delay_minutes": float(row["retry_delay_minutes"]),
                "max_delay_minutes": float(row["max_delay_minutes"]),
                "jitter": float(row["jitter"]),
                "outcomes": row["retry_outcomes"],
            },
            "call": {
                **table("ringing_timeout_s", "max_call_duration_s"),
                "agent_timeout_s": float(row["agent_timeout_s"]),
            },
            "recording": {"enabled": row["recording_enabled"]},
        }
    )  # fmt: skip


@cache
def _sql(name: str) -> bytes:
    return files(__package__).joinpath("sql", f"{name}.sql").read_bytes()
