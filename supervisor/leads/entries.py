"""Reading leads, however many: a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from actors.jobs.submitting import Selection

_AT_ONCE = 10_000

_CHOSEN = """
FROM leads
WHERE company_id = %(company)s
  AND (%(source)s::text IS NULL OR source = %(source)s)
  AND (%(import)s::uuid IS NULL OR import_id = %(import)s)
  AND data @> %(where)s
"""
_LIST = (
    f"SELECT id, phone_number, name, data, source, import_id, created_at {_CHOSEN} ORDER BY created_at, phone_number"
)
_COLUMNS = f"SELECT DISTINCT jsonb_object_keys(data) AS name {_CHOSEN} ORDER BY name"


@dataclass(frozen=True)
class Lead:
    """A person whom a company knows."""

    id: UUID
    phone_number: str
    name: str | None
    data: Mapping[str, Any]
    source: str
    import_id: UUID | None
    created_at: datetime

    def as_json(self) -> dict[str, Any]:
        """An element of what `campaignd leads list --json` prints."""
        return asdict(self) | {
            "id": str(self.id),
            "import_id": None if self.import_id is None else str(self.import_id),
            "created_at": self.created_at.isoformat(),
        }


@contextmanager
def leads(connection: psycopg.Connection, company_id: UUID, selection: Selection) -> Iterator[Iterator[Lead]]:
    """The chosen leads of the company, oldest first; `selection.numbers` is not looked at."""
    with connection.transaction(), connection.cursor("leads", row_factory=class_row(Lead)) as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(_LIST, _values(company_id, selection))
        yield iter(cursor)


def columns(connection: psycopg.Connection, company_id: UUID, selection: Selection) -> list[str]:
    """The names of all columns that these leads have besides number and name, in alphabetical order."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(_COLUMNS, _values(company_id, selection)).fetchall()


def _values(company_id: UUID, selection: Selection) -> dict[str, Any]:
    return {
        "company": company_id,
        "source": selection.source,
        "import": selection.import_id,
        "where": Jsonb(dict(selection.where)),
    }
