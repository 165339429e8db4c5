"""Reads what is to be explained. All of it within one snapshot, and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, dict_row, tuple_row
from pydantic import ValidationError

from actors.campaign import ledger
from actors.campaign.ledger import CampaignRow
from actors.campaign.readings import read_answered, read_begun
from actors.errors import CampaignValidationError
from actors.limiter import CallLimits
from actors.statements import statement
from actors.trunk import ledger as trunk_ledger
from supervisor.explain.contact import TaskFacts
from supervisor.explain.counting import Kind
from supervisor.explain.gates import CampaignFacts, HeldBy
from supervisor.explain.limits import CallsUnder

_sql = partial(statement, __package__)
_TASK_FACTS = tuple(field.name for field in fields(TaskFacts))


def read_campaign(
    connection: Connection, campaign_id: UUID, trunks: Mapping[str, CallLimits], now: datetime
) -> CampaignFacts:
    """The campaign without its tasks. Raises CampaignNotFoundError, and CampaignValidationError for settings with
    which its actor could not work."""
    campaign = _campaign(connection, campaign_id)
    parameters = {"campaign": campaign_id, "company": campaign.company_id}
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_sql("campaign"), parameters).fetchone()
    assert row is not None  # it was there a moment ago, in the same snapshot
    with connection.cursor(row_factory=class_row(HeldBy)) as cursor:
        holds = cursor.execute(_sql("holds"), parameters).fetchall()
    with connection.cursor(row_factory=tuple_row) as cursor:
        in_progress = cursor.execute(_sql("company_calls"), parameters).fetchall()
    begun = read_begun(connection, [campaign_id], now)[campaign_id]
    trunk = trunk_ledger.read_calls(connection, campaign.trunk, now)
    return CampaignFacts(
        **row,
        id=campaign_id,
        company_id=campaign.company_id,
        company=campaign.company,
        trunk=campaign.trunk,
        status=campaign.status,
        holds=holds,
        settings=campaign.settings,
        calls=CallsUnder([(call, began) for call, began, ours in in_progress if ours], begun),
        company_calls=CallsUnder([(call, began) for call, began, _ in in_progress]),
        answered=read_answered(connection, [campaign_id], now)[campaign_id],
        trunk_limits=trunks.get(campaign.trunk),
        trunk_pace=trunk_ledger.read_pace(connection, campaign.trunk),
        trunk_calls=CallsUnder([(call, began) for call, _, began in trunk.in_progress], trunk.begun),
    )


def read_task(
    connection: Connection, campaign: CampaignFacts, now: datetime, *, task: UUID | None, number: str | None
) -> TaskFacts | None:
    """The campaign's task with this id or this number (E.164)."""
    parameters = {**_parameters(campaign, now), "task": task, "number": number}
    with connection.cursor(row_factory=class_row(TaskFacts)) as cursor:
        return cursor.execute(_sql("task_facts", "one"), parameters).fetchone()


def read_kinds(
    connection: Connection, campaign: CampaignFacts, now: datetime, *, before: UUID | None = None
) -> list[Kind]:
    """All tasks of the campaign by kinds; with `before`, those not settled whose turn is before that task's."""
    by_number = campaign.settings.schedule.contact_local_time
    parameters = {**_parameters(campaign, now), "before": before, "by_number": by_number}
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_sql("task_facts", "kinds"), parameters).fetchall()
    own = len(_TASK_FACTS)
    return [Kind(TaskFacts(*row[:own]), *row[own:]) for row in rows]


def read_numbers(connection: Connection, tasks: Sequence[UUID]) -> dict[UUID, str]:
    """The numbers of these tasks."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return dict(cursor.execute(_sql("numbers"), {"tasks": list(tasks)}).fetchall())


def is_forbidden(connection: Connection, campaign: CampaignFacts, number: str) -> bool:
    """Whether this number may not be called by the campaign's company."""
    found = connection.execute(
        "SELECT FROM do_not_call WHERE phone_number = %s AND (company_id IS NULL OR company_id = %s)",
        (number, campaign.company_id),
    )
    return found.rowcount > 0


def _parameters(campaign: CampaignFacts, now: datetime) -> dict[str, Any]:
    return {
        "campaign": campaign.id,
        "company": campaign.company_id,
        "most_per_day": campaign.company_attempts_per_day,
        "now": now,
    }


def _campaign(connection: Connection, campaign_id: UUID) -> CampaignRow:
    try:
        return ledger.read_campaign(connection, campaign_id)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise CampaignValidationError(f"Campaign {campaign_id} has settings that make no sense: {wrong}") from error
