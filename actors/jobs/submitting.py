"""Submitting a job: what it is about is chosen here, once, so that a job that is resumed does the same work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from actors.errors import CampaignNotFoundError, CampaignValidationError, MigrationRequiredError
from actors.ids import new_id
from actors.jobs.broadcast import Announcement, create_campaign
from actors.jobs.kinds import JobStatus, JobType

_INSERT = """
INSERT INTO background_jobs (id, company_id, campaign_id, job_type, status, params, created_at, updated_at)
VALUES (%(job)s, %(company)s, %(campaign)s, %(type)s, %(status)s, %(params)s, %(now)s, %(now)s)"""

_LEADS = """
INSERT INTO job_items (job_id, position, subject_id, phone_number)
SELECT %(job)s, row_number() OVER (ORDER BY created_at, id), id, CASE WHEN %(by_number)s THEN phone_number END
FROM leads
WHERE company_id = %(company)s
  AND (%(source)s::text IS NULL OR source = %(source)s)
  AND (%(import)s::uuid IS NULL OR import_id = %(import)s)
  AND data @> %(where)s
  AND (%(numbers)s::text[] IS NULL OR phone_number = ANY(%(numbers)s))"""

# People who are no leads may be contacts of a campaign all the same.
_NUMBERS = """
INSERT INTO job_items (job_id, position, phone_number)
SELECT %(job)s, %(after)s + row_number() OVER (ORDER BY n.place), n.phone_number
FROM unnest(%(numbers)s::text[]) WITH ORDINALITY AS n (phone_number, place)
WHERE NOT EXISTS (SELECT FROM leads l WHERE l.company_id = %(company)s AND l.phone_number = n.phone_number)"""

_RECEIPTS = """
INSERT INTO job_items (job_id, position, subject_id)
SELECT %(job)s, row_number() OVER (ORDER BY r.created_at, r.id), r.id
FROM receipts r JOIN calls c ON c.id = r.call_id
WHERE r.company_id = %(company)s AND (%(campaign)s::uuid IS NULL OR c.campaign_id = %(campaign)s)"""

_TOTAL = "UPDATE background_jobs SET total = %(total)s WHERE id = %(job)s"
_CAMPAIGN = "SELECT company_id = %(company)s, status, name FROM campaigns WHERE id = %(campaign)s"


@dataclass(frozen=True)
class Selection:
    """Which leads of the company: those that fit everything that is given. Nothing given chooses all of them."""

    source: str | None = None  # imported or manual
    import_id: UUID | None = None
    where: Mapping[str, str] = field(default_factory=dict)  # columns of their data and the texts in them
    numbers: Sequence[str] | None = None  # E.164, each once


@dataclass(frozen=True)
class Request:
    """A job to be done. What its type has no use for is not looked at."""

    type: JobType
    company_id: UUID
    selection: Selection = Selection()
    campaign_id: UUID | None = None  # gets the tasks, or loses its receipts
    changes: Mapping[str, Any] = field(default_factory=dict)  # of update_leads: set, unset, name
    announcement: Announcement | None = None  # of a broadcast


@dataclass(frozen=True)
class Submitted:
    """A job that waits to be done."""

    id: UUID
    total: int  # leads or receipts it is about
    campaign_id: UUID | None


def submit(connection: Connection, request: Request, now: datetime) -> Submitted:
    """Choose what the job is about and have it done, in one transaction of `connection`.

    Raises CampaignNotFoundError, CampaignValidationError for what can't be done, and MigrationRequiredError when the
    database does not know this type of job: then nothing was written.
    """
    job_id = new_id()
    try:
        with connection.transaction():
            campaign_id = _campaign(connection, request, now)
            params: dict[str, Any] = {**request.changes, "selection": _described(request.selection)}
            connection.execute(
                _INSERT,
                {
                    "job": job_id,
                    "company": request.company_id,
                    "campaign": campaign_id,
                    "type": request.type.value,
                    "status": JobStatus.PENDING.value,
                    "params": Jsonb(params),
                    "now": now,
                },
            )
            total = _choose(connection, job_id, request)
            connection.execute(_TOTAL, {"job": job_id, "total": total})
    except (psycopg.errors.CheckViolation, psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise MigrationRequiredError(
            f"Database migration required: this database does not know jobs of type {request.type}; run"
            " `campaignd migrate`"
        ) from error
    return Submitted(job_id, total, campaign_id)


def _campaign(connection: Connection, request: Request, now: datetime) -> UUID | None:
    """The campaign that the job is about: a broadcast makes its own."""
    if request.type is JobType.BROADCAST:
        if request.announcement is None:
            raise CampaignValidationError("A broadcast needs an announcement: a skillbase and a trunk")
        return create_campaign(connection, request.company_id, request.announcement, now)
    if request.campaign_id is None:
        if request.type is JobType.ENQUEUE_OUTBOUND_CALLS:
            raise CampaignValidationError("Say which campaign the leads are to become contacts of")
        return None
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_CAMPAIGN, {"company": request.company_id, "campaign": request.campaign_id}).fetchone()
    if row is None:
        raise CampaignNotFoundError(f"Campaign {request.campaign_id} not found")
    theirs, status, name = row
    if not theirs:
        raise CampaignValidationError(f"Campaign {name} doesn't belong to company")
    if request.type is JobType.ENQUEUE_OUTBOUND_CALLS and status not in ("draft", "running", "paused"):
        raise CampaignValidationError(f"Campaign is {status}: {name} takes no more contacts")
    return request.campaign_id


def _choose(connection: Connection, job_id: UUID, request: Request) -> int:
    selection = request.selection
    if request.type is JobType.DELETE_RECEIPTS_ALL:
        return connection.execute(
            _RECEIPTS, {"job": job_id, "company": request.company_id, "campaign": request.campaign_id}
        ).rowcount
    source = "imported" if request.type is JobType.DELETE_IMPORTED_LEADS else selection.source
    by_number = request.type is JobType.DELETE_LEADS
    numbers = None if selection.numbers is None else list(selection.numbers)
    chosen = connection.execute(
        _LEADS,
        {
            "job": job_id,
            "company": request.company_id,
            "source": source,
            "import": selection.import_id,
            "where": Jsonb(dict(selection.where)),
            "numbers": numbers,
            "by_number": by_number,
        },
    ).rowcount
    only_numbers = source is None and selection.import_id is None and not selection.where
    if by_number and numbers is not None and only_numbers:
        chosen += connection.execute(
            _NUMBERS, {"job": job_id, "company": request.company_id, "numbers": numbers, "after": chosen}
        ).rowcount
    return chosen


def _described(selection: Selection) -> dict[str, Any]:
    """For whoever asks later what was chosen; without anybody's number."""
    described: dict[str, Any] = {}
    if selection.source is not None:
        described["source"] = selection.source
    if selection.import_id is not None:
        described["import"] = str(selection.import_id)
    if selection.where:
        described["where"] = sorted(selection.where)
    if selection.numbers is not None:
        described["numbers"] = len(selection.numbers)
    return described
