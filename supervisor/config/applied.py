"""The configuration that a service has applied, as PostgreSQL keeps it: what `campaignd plan` compares files with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from socket import gethostname
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from supervisor.config.apply import digest_of
from supervisor.config.difference import describe
from supervisor.config.load import Snapshot


@dataclass(frozen=True)
class Applied:
    """The files of one service, as they were applied last."""

    described: dict[str, dict[str, Any]]
    applied_at: datetime


def write_applied(connection: Connection, snapshot: Snapshot, now: datetime) -> None:
    """Keep what is applied now, in the same transaction as what follows from it."""
    connection.execute(
        "INSERT INTO applied_configurations (host, file, digest, described, applied_at) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (host, file) DO UPDATE SET digest = excluded.digest, described = excluded.described,"
        " applied_at = excluded.applied_at",
        (gethostname(), str(snapshot.file), snapshot.digest, Jsonb(describe(snapshot)), now),
    )


def read_applied(connection: Connection, file: Path) -> Applied | None:
    """What the service of this machine with this file has applied; None: nothing yet."""
    with connection.cursor(row_factory=class_row(Applied)) as cursor:
        return cursor.execute(
            "SELECT described, applied_at FROM applied_configurations WHERE host = %s AND file = %s",
            (gethostname(), str(file)),
        ).fetchone()


def call_lists_to_import(connection: Connection, snapshot: Snapshot) -> list[tuple[str, Path]]:
    """Campaigns whose list is not the one that was imported last, with that list's file. One that is over takes no more
    contacts. Reads every list. Raises OSError."""
    rows = connection.execute(
        "SELECT slug, call_list_sha256, status IN ('completed', 'failed') FROM campaigns WHERE slug IS NOT NULL"
    ).fetchall()
    imported: dict[str, str | None] = {slug: digest for slug, digest, _ in rows}
    over = {slug for slug, _, is_over in rows if is_over}
    lists = {slug: file for slug in snapshot.campaigns.keys() - over if (file := snapshot.call_list(slug)) is not None}
    return [(slug, file) for slug, file in sorted(lists.items()) if imported.get(slug) != digest_of(file)]
