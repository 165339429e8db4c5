"""The database's schema: bringing it to this version, and telling whether it is there."""

from __future__ import annotations

import glob
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from actors.errors import DatabaseError
from supervisor.database.roles import OWNER
from supervisor.shipped import shipped_folder

_POLL_S = 0.1


@dataclass(frozen=True)
class Result:
    """What one run of migrate() did."""

    applied: list[str]  # migrations, in their order
    skipped_because_locked: bool = False


@dataclass(frozen=True)
class SchemaStatus:
    """The database's migrations against those of this code."""

    applied: list[str]  # in the order in which they were
    missing: list[str]  # this code has them, the database has not: it is older
    unknown: list[str]  # the database has them, this code has not: it is newer


def migrate(dsn: str, *, folder: Path | None = None, lock_timeout_s: float = 60.0) -> Result:
    """Apply the migrations that the database lacks, each of them once, however many processes call this at a time.

    Blocks: up to `lock_timeout_s` while another process migrates, after which it skips with a warning in the log; then
    for as long as the migrations take, 120 s for each statement at most. Killed at any moment, it leaves nothing that
    blocks the next. Needs a connection of its own, not through a pooler in transaction mode, of the role that owns the
    tables. Raises DatabaseError.
    """
    import structlog  # slow to import, and needed here alone, as all of these
    from yoyo import read_migrations
    from yoyo.exceptions import BadMigration, MigrationConflict

    from supervisor.database.yoyo_backend import OneConnectionBackend

    folder = folder or shipped_folder("migrations")
    found = status(dsn, folder=folder)
    _refuse_newer(found)
    if not found.missing:
        return Result([])
    try:
        backend = OneConnectionBackend(dsn)
    except psycopg.Error as error:
        raise _unreachable(error) from error
    applied: list[str] = []
    current = None
    try:
        _refuse_strangers(backend.connection)
        if not _lock(backend, lock_timeout_s):
            structlog.get_logger().warning(
                "migrations_skipped", reason="another process is migrating", waited_s=lock_timeout_s
            )
            return Result([], skipped_because_locked=True)
        backend.prepare()
        _refuse_newer(status(dsn, folder=folder))  # again: whoever had the lock may have been a newer one
        for current in backend.to_apply(read_migrations(glob.escape(str(folder)))):
            backend.apply_one(current)
            applied.append(current.id)
    except (psycopg.Error, BadMigration, MigrationConflict) as error:
        what = f"migration {current.id} failed and changed nothing" if current else "cannot prepare the migrations"
        raise DatabaseError(f"{what}: {_reason(error)}") from error
    finally:
        backend.close()
    return Result(applied)


def status(dsn: str, *, folder: Path | None = None) -> SchemaStatus:
    """Which migrations the database has, lacks, or has beyond this code. Writes nothing. Raises DatabaseError."""
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            return _status(connection, folder)
    except psycopg.Error as error:
        raise _unreachable(error) from error


def check_schema(database: str | psycopg.Connection[Any], *, folder: Path | None = None) -> None:
    """Raise DatabaseError, saying what to do, unless the schema is exactly this code's. Writes nothing."""
    if isinstance(database, str):
        found = status(database, folder=folder)
    else:
        try:
            with database.transaction():
                found = _status(database, folder)
        except psycopg.Error as error:
            raise _unreachable(error) from error
    _refuse_newer(found)
    if found.missing:
        lacking = ", ".join(found.missing)
        raise DatabaseError(
            f"the database's schema is older than this code (it lacks {lacking}): run `campaignd migrate`"
        )


def _status(connection: psycopg.Connection[Any], folder: Path | None) -> SchemaStatus:
    files = (folder or shipped_folder("migrations")).glob("*.sql")
    known = sorted(file.stem for file in files if not file.name.endswith(".rollback.sql"))
    applied: list[str] = []
    with connection.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
        # Never through yoyo, which writes its tables into whatever it connects to.
        found = cursor.execute("SELECT to_regclass('_yoyo_migration') IS NOT NULL").fetchone()
        if found is not None and found[0]:
            cursor.execute("SELECT migration_id FROM _yoyo_migration ORDER BY applied_at_utc, migration_id")
            applied = [row[0] for row in cursor]
    return SchemaStatus(
        applied=applied,
        missing=[migration for migration in known if migration not in applied],
        unknown=[migration for migration in applied if migration not in known],
    )


def _lock(backend: Any, limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while not backend.try_lock():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _refuse_newer(found: SchemaStatus) -> None:
    if found.unknown:
        raise DatabaseError(
            f"the database's schema is newer than this code (it has {', '.join(found.unknown)}): upgrade campaignd"
        )


def _refuse_strangers(connection: psycopg.Connection[Any]) -> None:
    """Whoever made a table here, a superuser included, would own it, and owner and service could not use it."""
    user, owner, may_create = connection.execute(
        "SELECT current_user::text,"
        " (SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE oid = to_regclass('_yoyo_migration')),"
        " coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
    ).fetchone() or ("", None, False)
    if owner is not None and owner != user:
        what = f"does not own the tables, {owner} does"
    elif not may_create:
        what = "may not create tables"
    else:
        return
    raise DatabaseError(
        f"the database's role {user} {what}: run `campaignd migrate --dsn DSN --owner {owner or OWNER}`, "
        f"with a DSN of somebody who may become {owner or OWNER}"
    )


def _unreachable(error: psycopg.Error) -> DatabaseError:
    hint = " (`campaignd migrate --print-roles` gives the service's role its rights)"
    refused = isinstance(error, psycopg.errors.InsufficientPrivilege)
    return DatabaseError(f"cannot use PostgreSQL: {_reason(error)}{hint if refused else ''}")


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
