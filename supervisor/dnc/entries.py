"""The SQL of do-not-call. Numbers are E.164; `company` None stands for every company."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from actors.ids import new_id

_AT_ONCE = 10_000

_ADD = """
INSERT INTO do_not_call (id, company_id, phone_number, reason, created_at)
SELECT n.id, %(company)s, n.phone_number, %(reason)s, %(now)s
FROM unnest(%(ids)s::uuid[], %(numbers)s::text[]) AS n (id, phone_number)
ON CONFLICT DO NOTHING"""

_REMOVE = """
DELETE FROM do_not_call
WHERE company_id IS NOT DISTINCT FROM %(company)s::uuid AND phone_number = ANY(%(numbers)s)"""

# For each entry that still stands for one of these numbers: whose it is.
_LEFT = """
SELECT d.phone_number, y.slug AS company, d.reason, d.created_at
FROM do_not_call d LEFT JOIN companies y ON y.id = d.company_id
WHERE d.phone_number = ANY(%(numbers)s)
ORDER BY d.phone_number, y.slug NULLS FIRST"""

# A company's list is its own entries and everybody's: both keep it from calling.
_LIST = """
SELECT d.phone_number, y.slug AS company, d.reason, d.created_at
FROM do_not_call d LEFT JOIN companies y ON y.id = d.company_id
WHERE %(company)s::uuid IS NULL OR d.company_id IS NULL OR d.company_id = %(company)s
ORDER BY d.phone_number, y.slug NULLS FIRST"""


@dataclass(frozen=True)
class Entry:
    """A number that may not be called."""

    phone_number: str
    company: str | None  # its slug; None: by any company
    reason: str | None
    created_at: datetime


def add(
    connection: psycopg.Connection, numbers: Sequence[str], company: UUID | None, reason: str | None, now: datetime
) -> int:
    """Put these numbers on the list, all of them or none; how many were not on it. An entry that is there stays as it
    is, with its reason."""
    added = 0
    with connection.transaction():
        for batch in _batches(numbers):
            ids = [new_id() for _ in batch]
            values = {"company": company, "reason": reason, "now": now, "ids": ids, "numbers": batch}
            added += connection.execute(_ADD, values).rowcount
    return added


def remove(connection: psycopg.Connection, numbers: Sequence[str], company: UUID | None) -> tuple[int, list[Entry]]:
    """Take these numbers off this one list, all of them or none: how many were on it, and the entries by which these
    numbers still may not be called by somebody."""
    with connection.transaction():
        removed = connection.execute(_REMOVE, {"company": company, "numbers": list(numbers)}).rowcount
        with connection.cursor(row_factory=class_row(Entry)) as cursor:
            return removed, cursor.execute(_LEFT, {"numbers": list(numbers)}).fetchall()


@contextmanager
def entries(connection: psycopg.Connection, company: UUID | None = None) -> Iterator[Iterator[Entry]]:
    """All entries, or those that keep this company from calling, by number; however many, a piece at a time."""
    with connection.transaction(), connection.cursor("do_not_call", row_factory=class_row(Entry)) as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(_LIST, {"company": company})
        yield iter(cursor)


def _batches(numbers: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(numbers), _AT_ONCE):
        yield list(numbers[start : start + _AT_ONCE])
