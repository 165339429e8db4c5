"""The breakers' rows: each is written under the generation that its writer knows, so that of several processes one
decides and the others follow. And what probes have to be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

_READ = """
SELECT service, state, generation, changed_at, opened_at, retry_at, open_s::float AS open_s,
       last_error, error_count, last_error_at
FROM circuit_breakers
"""


@dataclass(frozen=True)
class BreakerRow:
    """A breaker as PostgreSQL has it."""

    service: str
    state: str
    generation: int
    changed_at: datetime | None
    opened_at: datetime | None
    retry_at: datetime | None
    open_s: float
    last_error: str | None
    error_count: int  # since it was closed last
    last_error_at: datetime | None


def read(connection: Connection) -> list[BreakerRow]:
    """Every breaker, of whichever process."""
    with connection.cursor(row_factory=class_row(BreakerRow)) as cursor:
        return cursor.execute(_READ).fetchall()


def read_one(connection: Connection, service: str) -> BreakerRow | None:
    """The breaker of this service; None where nobody has written one."""
    with connection.cursor(row_factory=class_row(BreakerRow)) as cursor:
        return cursor.execute(_READ + "WHERE service = %s", (service,)).fetchone()


def read_skillbase(connection: Connection, agent_name: str) -> list[tuple[dict[str, Any], str]]:
    """What agents of this name are told with their jobs, and the campaign of which: one that calls, if there is one.
    Empty: no skillbase has the name."""
    row = connection.execute(
        "SELECT s.metadata, coalesce(c.slug, c.id::text, '')"
        " FROM skillbases s LEFT JOIN campaigns c ON c.skillbase_id = s.id"
        " WHERE s.agent_name = %s"
        " ORDER BY c.status IN ('running', 'paused') DESC NULLS LAST, c.updated_at DESC LIMIT 1",
        (agent_name,),
    ).fetchone()
    return [(row[0], row[1])] if row is not None else []


def write(connection: Connection, row: BreakerRow, known: int | None, now: datetime) -> bool:
    """Write `row` over the one of generation `known` (None: over none). False: another process was first."""
    values = {**row.__dict__, "known": known, "now": now}
    if known is None:
        written = connection.execute(
            "INSERT INTO circuit_breakers (service, state, generation, changed_at, opened_at, retry_at, open_s,"
            "  last_error, error_count, last_error_at, updated_at)"
            " VALUES (%(service)s, %(state)s, %(generation)s, %(changed_at)s, %(opened_at)s, %(retry_at)s, %(open_s)s,"
            "  %(last_error)s, %(error_count)s, %(last_error_at)s, %(now)s) ON CONFLICT DO NOTHING",
            values,
        )
    else:
        written = connection.execute(
            "UPDATE circuit_breakers SET state = %(state)s, generation = %(generation)s, changed_at = %(changed_at)s,"
            "  opened_at = %(opened_at)s, retry_at = %(retry_at)s, open_s = %(open_s)s, last_error = %(last_error)s,"
            "  error_count = %(error_count)s, last_error_at = %(last_error_at)s, updated_at = %(now)s"
            " WHERE service = %(service)s AND generation = %(known)s",
            values,
        )
    return written.rowcount == 1


def others_are_there(connection: Connection, supervisor_id: UUID) -> bool:
    """Whether another process than this one works on this database."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM supervisors WHERE id <> %s AND NOT supervisor_is_gone(id)"
        " AND heartbeat_at > clock_timestamp() - interval '1 minute')",
        (supervisor_id,),
    ).fetchone()
    return row is not None and bool(row[0])
