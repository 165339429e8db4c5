"""What is written of recordings. The table is the queue: what a state is changed from stands in each statement, so that
a fact that comes twice, late, or from another process changes nothing.

Everything here runs in short transactions; an error of PostgreSQL is raised as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, scalar_row, tuple_row

from actors.recording.messages import Downloaded, Egress, Recording
from actors.statements import statement

_sql = partial(statement, __package__)
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('campaignd recording slots', 0))"
"""Whoever takes or frees several slots: two who do it in different orders would wait for each other."""
_DELETE_AGAIN = " ON CONFLICT (call_id) DO UPDATE SET tries = 0, unfinished = true, keep_until = NULL"
"""Of files that have been written late: who is about to say that they are gone may have looked before."""


@dataclass(frozen=True)
class GivenUpRecording(Recording):
    """One that has failed before there was anything to fetch."""

    error: str


@dataclass(frozen=True)
class ExpectedRecording:
    """One that LiveKit is to be asked for."""

    call_id: UUID
    over: bool  # its call is; else it is up and, as far as is known, not being recorded


@dataclass(frozen=True)
class Claimed(Recording):
    """One that has a slot: to be fetched now."""

    company: str  # its slug
    slot: int
    under_way: int  # downloads of the company, with this one
    slots: int  # that the company has
    attempt: int  # 1 for the first
    expected_bytes: int | None
    duration_s: float | None


@dataclass(frozen=True)
class Released:
    """A slot that was given back."""

    company: str  # its slug
    under_way: int  # downloads of the company that are left
    slots: int
    state: str  # of the recording now


def note_egress(connection: Connection, call_id: UUID, egress_id: str) -> None:
    """LiveKit records this call."""
    connection.execute(
        "UPDATE recordings SET egress_id = %s, error_message = NULL WHERE call_id = %s AND state = 'expected'",
        (egress_id, call_id),
    )


def note_no_egress(connection: Connection, call_id: UUID, error: str, next_look: datetime) -> None:
    """LiveKit does not record this call yet; at `next_look` it is asked again. The first error is kept: that its room
    is gone when it is asked again explains nothing."""
    connection.execute(
        "UPDATE recordings SET error_message = coalesce(error_message, %s), next_attempt_at = %s"
        " WHERE call_id = %s AND state = 'expected' AND egress_id IS NULL",
        (error, next_look, call_id),
    )


def make_ready(connection: Connection, egress: Egress, now: datetime) -> bool:
    """There is a file to fetch. Also after the recording was given up, but never a second time."""
    made = connection.execute(
        "UPDATE recordings SET state = 'pending', egress_id = %(egress)s, source_bytes = %(bytes)s,"
        "  duration_s = %(duration)s, ready_at = %(now)s, next_attempt_at = %(now)s, error_message = NULL,"
        "  updated_at = %(now)s"
        " WHERE call_id = %(call)s AND ready_at IS NULL AND state IN ('expected', 'failed')",
        {
            "call": egress.call_id,
            "egress": egress.egress_id,
            "bytes": egress.bytes,
            "duration": egress.duration_s,
            "now": now,
        },
    )
    return made.rowcount == 1


def give_up(connection: Connection, call_id: UUID, reason: str, now: datetime) -> GivenUpRecording | None:
    """There will be no file. None: nothing has happened to a recording that is known to have one, or was given up."""
    return _give_up(connection, call_id, reason, None, now)


def give_up_waiting(
    connection: Connection, call_id: UUID, reason: str, ended_before: datetime, now: datetime
) -> GivenUpRecording | None:
    """The same, if its call was over by `ended_before`."""
    return _give_up(connection, call_id, reason, ended_before, now)


def _give_up(
    connection: Connection, call_id: UUID, reason: str, ended_before: datetime | None, now: datetime
) -> GivenUpRecording | None:
    with connection.cursor(row_factory=class_row(GivenUpRecording)) as cursor:
        return cursor.execute(
            "UPDATE recordings r SET state = 'failed', next_attempt_at = NULL, updated_at = %(now)s,"
            "  error_message = concat_ws('; ', r.error_message, %(reason)s::text)"
            " FROM calls c WHERE r.call_id = %(call)s AND r.state = 'expected' AND c.id = r.call_id"
            "  AND (%(ended_before)s::timestamptz IS NULL OR c.ended_at <= %(ended_before)s)"
            " RETURNING r.id AS recording_id, r.call_id, r.company_id, c.campaign_id, r.error_message AS error",
            {"reason": reason, "now": now, "call": call_id, "ended_before": ended_before},
        ).fetchone()


def take_looks(
    connection: Connection, now: datetime, *, over_by: datetime, next_look: datetime, most: int
) -> list[ExpectedRecording]:
    """Recordings to ask LiveKit for: they have not been looked for of late, and their calls were over by `over_by`, or
    are up and not recorded. Nobody looks again before `next_look`."""
    with connection.cursor(row_factory=class_row(ExpectedRecording)) as cursor:
        values = {"now": now, "over_by": over_by, "next": next_look, "most": most}
        return cursor.execute(_sql("look"), values).fetchall()


def claim(
    connection: Connection,
    supervisor_id: UUID,
    now: datetime,
    room: int,
    busy: Collection[UUID],
    *,
    probe: bool = False,
) -> list[Claimed]:
    """Up to `room` recordings to fetch, each with a slot; none of those that are `busy` here."""
    values = {"supervisor": supervisor_id, "now": now, "room": room, "busy": list(busy), "probe": probe}
    with connection.transaction(), connection.cursor(row_factory=class_row(Claimed)) as cursor:
        cursor.execute(_ONE_AT_A_TIME)
        return cursor.execute(_sql("claim"), values).fetchall()


def finish(
    connection: Connection, supervisor_id: UUID, done: Downloaded, now: datetime, *, transcribe: bool
) -> Released | None:
    """It is stored. None: its slot is not ours any more, nothing was written."""
    with connection.transaction():
        company_id = _release(connection, supervisor_id, done.recording.recording_id)
        if company_id is None:
            return None
        connection.execute(
            "UPDATE recordings SET state = 'stored', file = %s, bytes = %s, sha256 = %s, stored_at = %s,"
            "  error_message = NULL, transcript_state = %s, updated_at = %s WHERE id = %s AND state = 'downloading'",
            (
                done.file,
                done.bytes,
                done.sha256,
                now,
                "pending" if transcribe else "none",
                now,
                done.recording.recording_id,
            ),
        )
        return _released(connection, company_id, "stored")


def fail(
    connection: Connection,
    supervisor_id: UUID,
    recording_id: UUID,
    error: str,
    now: datetime,
    *,
    most_attempts: int,
    delay: timedelta,
    storage_failed: bool,
) -> Released | None:
    """It could not be fetched: to be tried again after `delay`, or failed for good. By a failing store no attempt is
    used up while the store's breaker is not closed. None as for `finish`."""
    with connection.transaction():
        company_id = _release(connection, supervisor_id, recording_id)
        if company_id is None:
            return None
        row = connection.execute(
            "UPDATE recordings SET error_message = %(error)s, updated_at = %(now)s,"
            "  attempts = CASE WHEN outage THEN attempts - 1 ELSE attempts END,"
            "  state = CASE WHEN attempts >= %(most)s AND NOT outage THEN 'failed' ELSE 'pending' END,"
            "  next_attempt_at = CASE WHEN attempts >= %(most)s AND NOT outage THEN NULL ELSE %(retry_at)s END"
            " FROM (SELECT %(storage_failed)s AND EXISTS ("
            "   SELECT FROM circuit_breakers WHERE service = 'recordings' AND state <> 'closed') AS outage) o"
            " WHERE id = %(recording)s AND state = 'downloading' RETURNING state",
            {
                "recording": recording_id,
                "error": error,
                "now": now,
                "retry_at": now + delay,
                "most": most_attempts,
                "storage_failed": storage_failed,
            },
        ).fetchone()
        return _released(connection, company_id, row[0] if row is not None else "deleted")


def interrupt(connection: Connection, supervisor_id: UUID, busy: Collection[UUID], now: datetime) -> list[Recording]:
    """Slots behind which there is nobody any more are free again, and their recordings start again."""
    with connection.transaction(), connection.cursor(row_factory=class_row(Recording)) as cursor:
        cursor.execute(_ONE_AT_A_TIME)
        values = {"supervisor": supervisor_id, "busy": list(busy), "now": now}
        return cursor.execute(_sql("free"), values).fetchall()


def discard_if_gone(connection: Connection, recording: Recording) -> None:
    """A recording whose row was deleted while it was fetched, or transcribed: what has been written since is to be
    deleted too."""
    connection.execute(
        "INSERT INTO discarded_recordings (call_id, company_id, unfinished) SELECT %s, %s, true"
        " WHERE NOT EXISTS (SELECT FROM recordings WHERE id = %s)" + _DELETE_AGAIN,
        (recording.call_id, recording.company_id, recording.recording_id),
    )


def next_due(connection: Connection) -> datetime | None:
    """When the next download that waits for its time is due; None: none does."""
    row = connection.execute("SELECT min(next_attempt_at) FROM recordings WHERE state = 'pending'").fetchone()
    return row[0] if row is not None else None


def nothing_to_fetch(connection: Connection) -> bool:
    """Whether no recording waits to be fetched, now or later, and none is being fetched."""
    row = connection.execute(
        "SELECT NOT EXISTS (SELECT FROM recordings WHERE state IN ('pending', 'downloading'))"
    ).fetchone()
    return row is not None and bool(row[0])


def expire(connection: Connection, now: datetime, most: int) -> int:
    """Delete up to `most` recordings that are older than their companies keep them; their files go with them (a trigger
    notes them for `read_discarded`). How many."""
    return connection.execute(
        "DELETE FROM recordings WHERE id IN ("
        "  SELECT r.id FROM companies c CROSS JOIN LATERAL ("
        "    SELECT id FROM recordings WHERE company_id = c.id AND state IN ('stored', 'failed')"
        "      AND created_at < %(now)s - make_interval(days => c.recording_retention_days)"
        "    ORDER BY created_at LIMIT %(most)s FOR UPDATE SKIP LOCKED) r"
        "  WHERE c.recording_retention_days IS NOT NULL LIMIT %(most)s)",
        {"now": now, "most": most},
    ).rowcount


def discard_late(connection: Connection, call_id: UUID) -> None:
    """LiveKit has written a file: if its recording's row is gone, the file is to be deleted, and before others. Calls
    that this database knows nothing of are not ours to delete."""
    connection.execute(
        "INSERT INTO discarded_recordings (call_id, company_id, unfinished)"
        " SELECT id, company_id, true FROM calls"
        " WHERE id = %(call)s AND NOT EXISTS (SELECT FROM recordings WHERE call_id = %(call)s)"
        " UNION SELECT call_id, company_id, true FROM discarded_recordings WHERE call_id = %(call)s" + _DELETE_AGAIN,
        {"call": call_id},
    )


def read_discarded(connection: Connection, most: int, *, untried: bool = False) -> list[tuple[UUID, UUID]]:
    """Company and call of files that are to be deleted, those first that have been tried least; `untried`: no
    others."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(
            "SELECT company_id, call_id FROM discarded_recordings WHERE NOT %s OR tries = 0"
            " ORDER BY tries, call_id LIMIT %s",
            (untried, most),
        ).fetchall()


def forget_discarded(
    connection: Connection, deleted: Sequence[UUID], left: Sequence[UUID], now: datetime, patience: timedelta
) -> list[UUID]:
    """The files of `deleted` are gone; those of `left` will be tried again, and so will those that LiveKit may still
    write, for as long as `patience` after they were first deleted. Those with which nothing is left to be done."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        forgotten = cursor.execute(
            "DELETE FROM discarded_recordings WHERE call_id = ANY(%s) AND (NOT unfinished OR keep_until <= %s)"
            " RETURNING call_id",
            (list(deleted), now),
        ).fetchall()
    connection.execute(
        "UPDATE discarded_recordings SET tries = tries + 1, keep_until = coalesce(keep_until, %s)"
        " WHERE call_id = ANY(%s)",
        (now + patience, list(deleted)),
    )
    connection.execute("UPDATE discarded_recordings SET tries = tries + 1 WHERE call_id = ANY(%s)", (list(left),))
    return forgotten


def count(connection: Connection) -> list[tuple[str, str, int]]:
    """Recordings that are not stored, by company and state."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(
            "SELECT c.slug, r.state, count(*) FROM recordings r JOIN companies c ON c.id = r.company_id"
            " WHERE r.state <> 'stored' GROUP BY c.slug, r.state"
        ).fetchall()


def count_slots(connection: Connection, now: datetime) -> list[tuple[str, int, int, float]]:
    """Of every company: slots in use, slots that it has, and the age in seconds of the oldest recording that waits for
    one; 0: none waits."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(
            "SELECT slug, (SELECT count(*) FROM recording_slots s WHERE s.company_id = c.id), recording_slots,"
            " greatest(extract(epoch FROM %s - coalesce((SELECT min(r.created_at) FROM recordings r"
            "   WHERE r.company_id = c.id AND r.state = 'pending'), %s)), 0)::float"
            " FROM companies c",
            (now, now),
        ).fetchall()


def _release(connection: Connection, supervisor_id: UUID, recording_id: UUID) -> UUID | None:
    row = connection.execute(
        "DELETE FROM recording_slots WHERE recording_id = %s AND supervisor_id = %s RETURNING company_id",
        (recording_id, supervisor_id),
    ).fetchone()
    return row[0] if row is not None else None


def _released(connection: Connection, company_id: UUID, state: str) -> Released:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            "SELECT slug, (SELECT count(*) FROM recording_slots s WHERE s.company_id = c.id), recording_slots"
            " FROM companies c WHERE id = %s",
            (company_id,),
        ).fetchone()
    assert row is not None  # slots refer to companies
    company, under_way, slots = row
    return Released(company, under_way, slots, state)
