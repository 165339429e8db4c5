"""What is written of transcripts: they stand in the table of recordings (`actors.recording.ledger`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from actors.recording.messages import Recording, TranscriptionFailed
from actors.statements import statement

_sql = partial(statement, __package__)
DIED_WITH_THE_SERVICE = "the service died while it was transcribed"


@dataclass(frozen=True)
class ToTranscribe(Recording):
    """One whose transcript is to be made now, unless it `failed`: it was, as the service died in its last attempt."""

    attempt: int
    failed: bool


def take(connection: Connection, supervisor_id: UUID, now: datetime, *, most_attempts: int) -> ToTranscribe | None:
    """The oldest stored recording that is due for its transcript, if there is one."""
    with connection.cursor(row_factory=class_row(ToTranscribe)) as cursor:
        values = {
            "supervisor": supervisor_id,
            "now": now,
            "most": most_attempts,
            "died": DIED_WITH_THE_SERVICE,
        }
        return cursor.execute(_sql("transcribe"), values).fetchone()


def finish(connection: Connection, recording_id: UUID, file: str, now: datetime) -> None:
    """Its transcript is beside it."""
    connection.execute(
        "UPDATE recordings SET transcript_state = 'stored', transcript_file = %s, transcript_error = NULL,"
        "  transcript_by = NULL, updated_at = %s WHERE id = %s AND transcript_state = 'running'",
        (file, now, recording_id),
    )


def fail(
    connection: Connection, failed: TranscriptionFailed, now: datetime, *, most_attempts: int, delay: timedelta
) -> None:
    """It is tried again after `delay`, up to `most_attempts` times in all; one that does not count is none of them."""
    connection.execute(
        "UPDATE recordings SET transcript_error = %(error)s, transcript_by = NULL, updated_at = %(now)s,"
        "  transcript_attempts = transcript_attempts - CASE WHEN %(counts)s THEN 0 ELSE 1 END,"
        "  transcript_state = CASE WHEN last THEN 'failed' ELSE 'pending' END,"
        "  next_attempt_at = CASE WHEN last THEN NULL ELSE %(retry_at)s END"
        " FROM (SELECT id, %(counts)s AND transcript_attempts >= %(most)s AS last"
        "   FROM recordings WHERE id = %(recording)s) r"
        " WHERE recordings.id = r.id AND transcript_state = 'running'",
        {
            "recording": failed.recording.recording_id,
            "error": failed.error,
            "counts": failed.counts,
            "most": most_attempts,
            "retry_at": now + delay,
            "now": now,
        },
    )


def give_back(connection: Connection, supervisor_id: UUID, now: datetime) -> None:
    """What this supervisor has begun is anybody's, and that was no attempt: the process is about to stop."""
    connection.execute(
        "UPDATE recordings SET transcript_state = 'pending', transcript_by = NULL, updated_at = %s,"
        "  transcript_attempts = transcript_attempts - 1 WHERE transcript_state = 'running' AND transcript_by = %s",
        (now, supervisor_id),
    )
