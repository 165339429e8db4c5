"""Announces something to every chosen lead: one call each, an agent that speaks and does not converse.

A broadcast is a campaign of its own, of mode `broadcast`, with its own limits: made when the job is submitted, filled
by the job's batches, and started when it is whole. `enqueue_outbound_calls` has the rules by which leads become its
tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

from actors.errors import CampaignValidationError
from actors.ids import new_id

LONGEST_ANNOUNCEMENT_S = 180
"""So long a call of a broadcast may last, unless the announcement says otherwise."""

# A machine that took the message has got it: voicemail is not called again, and counts as reached.
_OUTCOMES = {"voicemail": "never"}
_SKILLBASE = "SELECT id FROM skillbases WHERE company_id = %(company)s AND slug = %(skillbase)s"
_CREATE = """
INSERT INTO campaigns (id, company_id, skillbase_id, name, description, trunk, mode,
                       max_concurrent_calls, calls_per_minute, retry_outcomes, max_call_duration_s,
                       created_at, updated_at)
VALUES (%(id)s, %(company)s, %(skillbase)s, %(name)s, 'Made by a broadcast', %(trunk)s, 'broadcast',
        %(max_concurrent_calls)s, %(calls_per_minute)s, %(outcomes)s, %(longest)s, %(now)s, %(now)s)"""


@dataclass(frozen=True)
class Announcement:
    """What a broadcast says, and how many calls it may make. A limit that is not given does not limit."""

    name: str
    skillbase: str  # slug of one of the company's, whose agent makes the announcement
    trunk: str  # a name under [trunks]
    max_concurrent_calls: int | None = None
    calls_per_minute: int | None = None
    longest_s: int = LONGEST_ANNOUNCEMENT_S


def create_campaign(connection: Connection, company_id: UUID, announcement: Announcement, now: datetime) -> UUID:
    """The campaign of a broadcast, a draft without tasks. Raises CampaignValidationError when the company has no such
    skillbase."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        skillbase: UUID | None = cursor.execute(
            _SKILLBASE, {"company": company_id, "skillbase": announcement.skillbase}
        ).fetchone()
    if skillbase is None:
        raise CampaignValidationError(f"Skillbase {announcement.skillbase} not found or doesn't belong to company")
    campaign_id = new_id()
    connection.execute(
        _CREATE,
        {
            "id": campaign_id,
            "company": company_id,
            "skillbase": skillbase,
            "name": announcement.name,
            "trunk": announcement.trunk,
            "max_concurrent_calls": announcement.max_concurrent_calls,
            "calls_per_minute": announcement.calls_per_minute,
            "outcomes": Jsonb(_OUTCOMES),
            "longest": announcement.longest_s,
            "now": now,
        },
    )
    return campaign_id
