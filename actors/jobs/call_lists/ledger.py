"""The SQL of an import: what a campaign has already, and its new tasks by binary COPY."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import Struct
from uuid import UUID

import psycopg
import uuid_utils
from psycopg.rows import class_row, scalar_row

from actors.jobs.call_lists.contacts import Contact

# A connection of the pool allows a statement less than a long list needs. The names are sent as ready bytes.
_AS_LONG_AS_IT_TAKES = """
SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true),
       set_config('client_encoding', 'UTF8', true)"""

# Two imports into one campaign wait for each other, so that the second sees what the first brought. The campaign's row
# stays free: every settled call updates it. Tried again and again: who waits inside PostgreSQL can't be told to stop.
_ONE_AT_A_TIME = "SELECT pg_try_advisory_xact_lock(hashtextextended('call list of campaign ' || %s::uuid, 0))"
_A_MOMENT = "SELECT pg_sleep(0.2)"

_CAMPAIGN = "SELECT id, company_id, name, status, default_region FROM campaigns WHERE id = %s"

_IN_CAMPAIGN = "SELECT phone_number FROM call_tasks WHERE campaign_id = %(campaign)s"
_DO_NOT_CALL = "SELECT phone_number FROM do_not_call WHERE (company_id = %(company)s OR company_id IS NULL)"
_AMONG_THESE = " AND phone_number = ANY(%(numbers)s)"
# Others may have put anything into do_not_call; what is no number stops nobody's import.
_AT_MOST = r" AND phone_number ~ '^\+[0-9]{1,18}$' LIMIT %(limit)s"

_COPY = """
COPY call_tasks (id, campaign_id, phone_number, contact_name, contact_data, priority, created_at, updated_at)
FROM STDIN (FORMAT BINARY)"""
# Values are handed over as the bytes that go over the wire: having psycopg make them of UUIDs, datetimes and JSON would
# take as long as all the rest of an import. A timestamptz is the microseconds since 2000.
_PRIORITY, _TIME = Struct("!i"), Struct("!q")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_JSONB_VERSION = b"\x01"

# Its updated_at stays: that would tell its actor that its settings have changed.
_COUNT = """
UPDATE campaigns SET total_tasks = total_tasks + %(created)s
WHERE id = %(campaign)s AND status IN ('draft', 'running', 'paused')
RETURNING id"""


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """The campaign that gets the list: what an import needs to know of it."""

    id: UUID
    company_id: UUID
    name: str
    status: str
    default_region: str | None


class Tasks:
    """The tasks of one campaign, within the transaction of its import. Raises what psycopg raises."""

    def __init__(self, connection: psycopg.Connection, campaign_id: UUID) -> None:
        self._connection = connection
        self._campaign_id = campaign_id

    def lock(self, while_waiting: Callable[[], None]) -> ImportTarget | None:
        """Wait until nobody else imports into this campaign; then the campaign, or None if there is none.
        `while_waiting` is called again and again, and may raise."""
        self._connection.execute(_AS_LONG_AS_IT_TAKES)
        with self._connection.cursor(row_factory=scalar_row) as cursor:
            while not cursor.execute(_ONE_AT_A_TIME, [self._campaign_id]).fetchone():
                while_waiting()
                cursor.execute(_A_MOMENT)
        with self._connection.cursor(row_factory=class_row(ImportTarget)) as cursor:
            return cursor.execute(_CAMPAIGN, [self._campaign_id]).fetchone()

    def in_campaign(self, limit: int) -> Iterator[bytes]:
        """The numbers in the campaign, `limit` of them at most."""
        return self._stream(_IN_CAMPAIGN, limit, campaign=self._campaign_id)

    def do_not_call(self, company_id: UUID, limit: int) -> Iterator[bytes]:
        """The numbers that the company may not call, `limit` of them at most."""
        return self._stream(_DO_NOT_CALL, limit, company=company_id)

    def _stream(self, query: str, limit: int, **values: UUID) -> Iterator[bytes]:
        statement = f"COPY ({query}{_AT_MOST}) TO STDOUT"
        with self._connection.cursor() as cursor, cursor.copy(statement, {"limit": limit, **values}) as copy:
            yield from map(bytes, copy)

    def known_among(self, company_id: UUID, numbers: Sequence[str]) -> tuple[list[str], list[str]]:
        """Which of `numbers` are in the campaign, and which may not be called."""
        values = {"campaign": self._campaign_id, "company": company_id, "numbers": list(numbers)}
        with self._connection.cursor(row_factory=scalar_row) as cursor:
            in_campaign = cursor.execute(_IN_CAMPAIGN + _AMONG_THESE, values).fetchall()
            return in_campaign, cursor.execute(_DO_NOT_CALL + _AMONG_THESE, values).fetchall()

    @contextmanager
    def writer(self, now: datetime) -> Iterator[TaskWriter]:
        """Takes new tasks as long as it is open, during which nothing can be asked."""
        with self._connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            yield TaskWriter(copy, self._campaign_id, now)

    def count(self, created: int) -> bool:
        """Add to the campaign's total; False when the campaign has meanwhile come to its end."""
        values = {"created": created, "campaign": self._campaign_id}
        return self._connection.execute(_COUNT, values).fetchone() is not None


class TaskWriter:
    """Writes contacts as pending tasks, a microsecond apart: claiming keeps the order of the list."""

    def __init__(self, copy: psycopg.Copy, campaign_id: UUID, now: datetime) -> None:
        self._write_row = copy.write_row
        self._campaign_id = campaign_id.bytes
        self._now = (now - _EPOCH) // timedelta(microseconds=1)
        self._updated_at = _TIME.pack(self._now)

    def write(self, contact: Contact) -> None:
        """Write one; raises what psycopg raises, perhaps not before a later one."""
        row, phone_number, name, priority, data, _ = contact
        self._write_row(
            (
                uuid_utils.uuid7().bytes,
                self._campaign_id,
                phone_number,
                name,
                _JSONB_VERSION + data,
                _PRIORITY.pack(priority),
                _TIME.pack(self._now + row),
                self._updated_at,
            )
        )
