"""What people see of recordings, and what they may do about those that have failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import class_row


@dataclass(frozen=True)
class Shown:
    """A recording, for people."""

    call_id: UUID
    company: str  # slugs
    campaign: str | None
    state: str
    attempts: int
    next_attempt_at: datetime | None
    error: str | None
    file: str | None  # under the store
    bytes: int | None
    sha256: str | None
    duration_s: float | None
    transcript_state: str
    transcript_file: str | None
    transcript_error: str | None
    created_at: datetime


@dataclass(frozen=True)
class Tally:
    """A company's recordings in one state."""

    company: str  # its slug
    state: str
    count: int
    latest_error: str | None  # of those that have failed


@contextmanager
def shown(connection: Connection, company: str | None, state: str | None) -> Iterator[Cursor[Shown]]:
    """Recordings of a company (None: of all), in a state (None: in any), the oldest first, read as they are wanted."""
    with connection.transaction(), connection.cursor("recordings", row_factory=class_row(Shown)) as cursor:
        cursor.execute(
            "SELECT r.call_id, o.slug AS company, c.slug AS campaign, r.state, r.attempts, r.next_attempt_at,"
            "  r.error_message AS error, r.file, r.bytes, r.sha256, r.duration_s::float AS duration_s,"
            "  r.transcript_state, r.transcript_file, r.transcript_error, r.created_at"
            " FROM recordings r JOIN companies o ON o.id = r.company_id"
            " JOIN calls l ON l.id = r.call_id JOIN campaigns c ON c.id = l.campaign_id"
            " WHERE (%(company)s::text IS NULL OR o.slug = %(company)s)"
            "   AND (%(state)s::text IS NULL OR r.state = %(state)s)"
            " ORDER BY r.created_at, r.id",
            {"company": company, "state": state},
        )
        yield cursor


def tallies(connection: Connection) -> list[Tally]:
    """How many recordings each company has in each state."""
    with connection.cursor(row_factory=class_row(Tally)) as cursor:
        return cursor.execute(
            "SELECT c.slug AS company, r.state, count(*) AS count,"
            "  (array_agg(r.error_message ORDER BY r.updated_at DESC) FILTER (WHERE r.state = 'failed'))[1]"
            "  AS latest_error"
            " FROM recordings r JOIN companies c ON c.id = r.company_id GROUP BY c.slug, r.state ORDER BY 1, 2"
        ).fetchall()


def retry(connection: Connection, company: str | None, now: datetime) -> tuple[int, int]:
    """Try failed recordings and transcripts again, of a company or of all, with all their attempts: how many of each. A
    recording that LiveKit never completed is asked for again first."""
    values = {"company": company, "now": now}
    of_company = " AND (%(company)s::text IS NULL OR c.slug = %(company)s)"
    with connection.transaction():
        recordings = connection.execute(
            "UPDATE recordings r SET state = CASE WHEN ready_at IS NULL THEN 'expected' ELSE 'pending' END,"
            "  attempts = 0, next_attempt_at = %(now)s, error_message = NULL, updated_at = %(now)s"
            " FROM companies c WHERE c.id = r.company_id AND r.state = 'failed'" + of_company,
            values,
        ).rowcount
        transcripts = connection.execute(
            "UPDATE recordings r SET transcript_state = 'pending', transcript_attempts = 0, updated_at = %(now)s"
            " FROM companies c WHERE c.id = r.company_id AND r.transcript_state = 'failed'" + of_company,
            values,
        ).rowcount
    return recordings, transcripts
