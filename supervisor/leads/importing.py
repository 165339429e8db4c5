"""Imports a file of people as leads of a company: all of it in one transaction, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import scalar_row

from actors.errors import CallListValidationError, DatabaseError
from actors.ids import new_id
from actors.jobs.call_lists.columns import Columns
from actors.jobs.call_lists.contacts import Contact, Contacts, Rejected
from actors.jobs.call_lists.rows import Progress, read_rows
from actors.jobs.enqueue_outbound_calls import PRIORITY

_AT_ONCE = 10_000

# Two imports of one company follow each other, so that the second sees what the first brought.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('leads of company ' || %s::uuid, 0))"
_KNOWN = "SELECT phone_number FROM leads WHERE company_id = %(company)s AND phone_number = ANY(%(numbers)s)"
_ADD = """
INSERT INTO leads (id, company_id, phone_number, name, data, source, import_id, created_at, updated_at)
SELECT n.id, %(company)s, n.phone_number, n.name, n.data, 'imported', %(import)s, n.created_at, %(now)s
FROM unnest(%(ids)s::uuid[], %(numbers)s::text[], %(names)s::text[], %(data)s::jsonb[], %(created_at)s::timestamptz[])
     AS n (id, phone_number, name, data, created_at)"""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file: each of its rows that is not blank is a new lead or an error."""

    import_id: UUID  # by which the job delete_imported_leads takes it back
    total: int
    created: int
    errors: list[str]  # "Row 6: Empty phone number", in the order of the file

    def as_json(self) -> dict[str, Any]:
        """The result as `campaignd leads import --json` prints it."""
        return {
            "import_id": str(self.import_id),
            "total": self.total,
            "created": self.created,
            "errors": self.errors,
        }


def import_leads(
    connection: psycopg.Connection,
    company_id: UUID,
    path: Path,
    region: str | None,
    now: datetime,
    progress: Progress | None = None,
) -> ImportResult:
    """Make each person in the file at `path` a lead of the company; `region` (ISO code) resolves national numbers.

    The file is read as a call list is. One transaction of `connection`: whatever interrupts it, nothing is left behind.
    A bad row stops nothing; who is a lead already stays as they are, and is an error. Raises CallListValidationError
    when the file as a whole can't be read, DatabaseError when PostgreSQL fails.
    """
    import_id = new_id()
    created, errors = 0, list[str]()
    try:
        with connection.transaction(), closing(read_rows(path, progress)) as rows:
            connection.execute(_ONE_AT_A_TIME, [company_id])
            header = next(rows, None)
            if header is None:
                raise CallListValidationError(f"The file is empty: {path}")
            contacts = Contacts(Columns.of(header.cells), region)
            read = contacts.admit(contacts.read(rows))
            while batch := list(islice(read, _AT_ONCE)):
                known = _known(connection, company_id, batch)
                new = list(_new(batch, known, errors))
                _add(connection, company_id, import_id, new, now)
                created += len(new)
    except psycopg.Error as error:
        raise DatabaseError(f"The import failed, nothing was added: {' '.join(str(error).split())}") from error
    return ImportResult(import_id, created + len(errors), created, errors)


def _known(connection: psycopg.Connection, company_id: UUID, batch: Sequence[Contact | Rejected]) -> set[str]:
    numbers = [contact.phone_number for contact in batch if isinstance(contact, Contact)]
    with connection.cursor(row_factory=scalar_row) as cursor:
        return set(cursor.execute(_KNOWN, {"company": company_id, "numbers": numbers}).fetchall())


def _new(batch: Sequence[Contact | Rejected], known: set[str], errors: list[str]) -> Iterator[Contact]:
    for contact in batch:
        if isinstance(contact, Rejected):
            errors.append(str(contact))
        elif contact.phone_number in known:
            errors.append(f"Row {contact.row}: Already a lead of this company")
        else:
            yield contact


def _add(
    connection: psycopg.Connection, company_id: UUID, import_id: UUID, contacts: Sequence[Contact], now: datetime
) -> None:
    connection.execute(
        _ADD,
        {
            "company": company_id,
            "import": import_id,
            "now": now,
            "ids": [new_id() for _ in contacts],
            "numbers": [contact.phone_number for contact in contacts],
            "names": [None if contact.name is None else contact.name.decode() for contact in contacts],
            "data": [_data(contact) for contact in contacts],
            # A microsecond apart: jobs keep the order of the file.
            "created_at": [now + timedelta(microseconds=contact.row) for contact in contacts],
        },
    )


def _data(contact: Contact) -> str:
    """The other columns, and the priority, which a lead has no column for: its call task will."""
    data = contact.data.decode()
    if not contact.priority:
        return data
    return json.dumps(json.loads(data) | {PRIORITY: str(contact.priority)}, ensure_ascii=False)
