"""The SQL of background jobs: claiming one, doing a batch of it, and how it ends.

A job is worked by one process at a time. The job's row carries its owner and its last sign of life, by
PostgreSQL's clock; every batch begins by locking the row and looking whether it is still its owner's, so that one whose
job was cancelled or taken over writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, dict_row, tuple_row
from psycopg.types.json import Jsonb

from actors.jobs.job import Item, Job, Worked
from actors.jobs.kinds import JobStatus, JobType

QUEUE = "maintenance"

# Claims follow one another, so that two processes can't begin two jobs of one company at the same moment.
_ONE_CLAIM_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('background jobs', 0))"

# A company's jobs are done in the order in which they were submitted, one at a time; one that waits for its next
# attempt lets others pass. One that is found running although nobody works on it counts an attempt more: it may be what
# ended the process.
_CLAIM = """
WITH free AS (
    SELECT j.id, j.status = 'running' AS was_running
    FROM background_jobs j
    WHERE j.queue = %(queue)s
      AND (j.status = 'pending' OR (j.status = 'retry' AND j.next_attempt_at <= %(now)s)
           OR (j.status = 'running' AND j.id <> ALL(%(ours)s)
               AND (j.owner_id = %(owner)s OR j.heartbeat_at < clock_timestamp() - %(lease)s
                    OR supervisor_is_gone(j.owner_id))))
      AND NOT EXISTS (SELECT FROM background_jobs other
                      WHERE other.company_id = j.company_id AND other.status = 'running' AND other.id <> j.id)
    ORDER BY j.created_at, j.id LIMIT 1
    FOR UPDATE OF j SKIP LOCKED
)
UPDATE background_jobs j
SET status = 'running', owner_id = %(owner)s, heartbeat_at = clock_timestamp(), next_attempt_at = NULL,
    attempts = attempts + was_running::int, updated_at = %(now)s
FROM free WHERE j.id = free.id
RETURNING j.id, company_id, campaign_id, job_type AS type, params, created_at, attempts"""

_BEAT = """
UPDATE background_jobs SET heartbeat_at = clock_timestamp()
WHERE id = %(job)s AND status = 'running' AND owner_id = %(owner)s RETURNING id"""

_STAY = """
UPDATE background_jobs SET heartbeat_at = clock_timestamp()
WHERE status = 'running' AND owner_id = %(owner)s AND id = ANY(%(ours)s)"""

_NEXT = """
SELECT position, subject_id, phone_number, looks FROM job_items
WHERE job_id = %(job)s ORDER BY looks, position LIMIT %(size)s"""

_LOOK_AGAIN = "UPDATE job_items SET looks = looks + 1 WHERE job_id = %(job)s AND position = ANY(%(positions)s)"
_DONE = "DELETE FROM job_items WHERE job_id = %(job)s AND position = ANY(%(positions)s)"

_PROGRESS = """
UPDATE background_jobs
SET done = done + %(done)s, updated_at = %(now)s, result = %(result)s,
    attempts = CASE WHEN %(done)s > 0 THEN 0 ELSE attempts END, error_message = NULL
WHERE id = %(job)s"""

_RESULT = "SELECT result FROM background_jobs WHERE id = %(job)s"

_END = """
UPDATE background_jobs
SET status = %(status)s, error_message = %(error)s, next_attempt_at = %(next)s, attempts = attempts + %(failed)s,
    owner_id = NULL, heartbeat_at = NULL, updated_at = %(now)s
WHERE id = %(job)s AND status = 'running' AND owner_id = %(owner)s RETURNING id"""

_FORGET_ITEMS = "DELETE FROM job_items WHERE job_id = %(job)s"

_RELEASE = """
UPDATE background_jobs SET status = 'pending', owner_id = NULL, heartbeat_at = NULL
WHERE status = 'running' AND owner_id = %(owner)s"""

_CANCEL = """
UPDATE background_jobs
SET status = 'cancelled', owner_id = NULL, heartbeat_at = NULL, next_attempt_at = NULL, updated_at = %(now)s
WHERE id = %(job)s AND status IN ('pending', 'running', 'retry') RETURNING id"""

_COUNT = "SELECT job_type, status, count(*) FROM background_jobs WHERE queue = %(queue)s GROUP BY 1, 2"


@dataclass(frozen=True)
class Claimant:
    """Who asks for jobs, and how long its silence is taken for death."""

    owner: UUID
    lease: timedelta


def claim(connection: Connection, claimant: Claimant, ours: Sequence[UUID], now: datetime) -> Job | None:
    """Begin the next job, or go on with one whose process has died; None: there is nothing to do. `ours` are those that
    this process is at work on."""
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(_ONE_CLAIM_AT_A_TIME)
        row = cursor.execute(
            _CLAIM,
            {"queue": QUEUE, "owner": claimant.owner, "lease": claimant.lease, "ours": list(ours), "now": now},
        ).fetchone()
    return None if row is None else Job(**{**row, "type": JobType(row["type"])})


def stay(connection: Connection, owner: UUID, ours: Sequence[UUID]) -> None:
    """These jobs are being worked on, however long the pause between their batches is."""
    connection.execute(_STAY, {"owner": owner, "ours": list(ours)})


def still_ours(connection: Connection, job: Job, owner: UUID) -> bool:
    """Lock the job to the end of this transaction and show that it is being worked on. False: it was cancelled, or
    taken over."""
    return connection.execute(_BEAT, {"job": job.id, "owner": owner}).fetchone() is not None


def next_items(connection: Connection, job: Job, size: int) -> list[Item]:
    """What is to be done next: first what has not been looked at yet."""
    with connection.cursor(row_factory=class_row(Item)) as cursor:
        return cursor.execute(_NEXT, {"job": job.id, "size": size}).fetchall()


def note(connection: Connection, job: Job, items: Sequence[Item], worked: Worked, now: datetime) -> int:
    """These items were worked on: those that don't wait are done. Returns how many."""
    waiting = set(worked.waiting)
    done = [item.position for item in items if item.position not in waiting]
    connection.execute(_LOOK_AGAIN, {"job": job.id, "positions": list(waiting)})
    connection.execute(_DONE, {"job": job.id, "positions": done})
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_RESULT, {"job": job.id}).fetchone()
    result: dict[str, int] = {} if row is None else row[0]
    for what, count in worked.counts.items():
        if count:
            result[what] = result.get(what, 0) + count
    connection.execute(_PROGRESS, {"job": job.id, "done": len(done), "result": Jsonb(result), "now": now})
    return len(done)


def complete(connection: Connection, job: Job, owner: UUID, now: datetime) -> None:
    """Nothing is left to do."""
    _end(connection, job, owner, now, JobStatus.COMPLETED)


def put_off(connection: Connection, job: Job, owner: UUID, now: datetime, error: str, next_at: datetime) -> None:
    """A batch has failed, and is tried again at `next_at`."""
    _end(connection, job, owner, now, JobStatus.RETRY, error, next_at)


def fail(connection: Connection, job: Job, owner: UUID, now: datetime, error: str) -> None:
    """It can't be done; what was done stays done."""
    with connection.transaction():
        _end(connection, job, owner, now, JobStatus.FAILED, error)
        connection.execute(_FORGET_ITEMS, {"job": job.id})


def release(connection: Connection, owner: UUID) -> None:
    """This process stops: others may go on with its jobs at once."""
    connection.execute(_RELEASE, {"owner": owner})


def cancel(connection: Connection, job_id: UUID, now: datetime) -> bool:
    """End it between two batches; waits for the one that is being done. False: it has come to its end already."""
    with connection.transaction():
        cancelled = connection.execute(_CANCEL, {"job": job_id, "now": now}).fetchone() is not None
        if cancelled:
            connection.execute(_FORGET_ITEMS, {"job": job_id})
    return cancelled


def count(connection: Connection) -> Mapping[tuple[str, str], int]:
    """Jobs by type and status, of all processes."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_COUNT, {"queue": QUEUE}).fetchall()
    return {(type_, status): number for type_, status, number in rows}


def _end(
    connection: Connection,
    job: Job,
    owner: UUID,
    now: datetime,
    status: JobStatus,
    error: str | None = None,
    next_at: datetime | None = None,
) -> None:
    values: dict[str, Any] = {
        "job": job.id,
        "owner": owner,
        "now": now,
        "status": status.value,
        "error": error,
        "next": next_at,
        "failed": int(error is not None),
    }
    connection.execute(_END, values)
