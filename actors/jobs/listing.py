"""Background jobs as people look at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from actors.jobs.kinds import OPEN

_JOBS = """
SELECT j.id, j.job_type, y.slug AS company, j.campaign_id, j.status, j.done, j.total, j.params, j.result, j.attempts,
       j.next_attempt_at, j.error_message, j.created_at, j.updated_at
FROM background_jobs j JOIN companies y ON y.id = j.company_id
WHERE (%(company)s::text IS NULL OR y.slug = %(company)s) AND (%(job)s::uuid IS NULL OR j.id = %(job)s)
ORDER BY j.created_at, j.id"""


@dataclass(frozen=True)
class JobRow:
    """A job at one moment."""

    id: UUID
    job_type: str
    company: str  # its slug
    campaign_id: UUID | None
    status: str
    done: int
    total: int | None  # None: of a job that was not submitted by us
    params: Mapping[str, Any]
    result: Mapping[str, int]  # what was done so far → how often
    attempts: int
    next_attempt_at: datetime | None
    error_message: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether there is still something to be done."""
        return self.status in OPEN

    def as_json(self) -> dict[str, Any]:
        """An element of what `campaignd jobs list --json` prints."""
        written = asdict(self) | {"id": str(self.id)}
        written["campaign_id"] = None if self.campaign_id is None else str(self.campaign_id)
        for name in ("next_attempt_at", "created_at", "updated_at"):
            moment: datetime | None = getattr(self, name)
            written[name] = None if moment is None else moment.isoformat()
        return written


def read_jobs(connection: Connection, *, company: str | None = None, job_id: UUID | None = None) -> list[JobRow]:
    """All jobs, or a company's (by its slug), or this one; oldest first."""
    with connection.cursor(row_factory=class_row(JobRow)) as cursor:
        return cursor.execute(_JOBS, {"company": company, "job": job_id}).fetchall()
