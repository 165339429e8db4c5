"""yoyo's psycopg backend, but one connection does it all: holds the lock, runs the migration, marks it applied."""

from __future__ import annotations

import os
import socket
import uuid
from datetime import UTC, datetime
from typing import Any

from psycopg.conninfo import conninfo_to_dict
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import Migration, default_migration_table

from supervisor.database.roles import keep_book

# Every migrator of campaignd takes this lock in the database it migrates; "campaign" in ASCII.
ADVISORY_LOCK = int.from_bytes(b"campaign", "big")

_SESSION = {
    "statement_timeout": "120s",
    "lock_timeout": "10s",  # behind a waiting ALTER TABLE every other query waits too
    # Without it the lock of a killed migrator stays until the statement it was running ends.
    "client_connection_check_interval": "2s",
}


class OneConnectionBackend(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """Applies a migration and marks it in one transaction, under an advisory lock of the same session.

    yoyo would use a second connection and a second transaction: killed in between, it leaves a migration applied and
    unmarked, and the lock of the first connection could be gone while the second still works. So a killed process
    leaves nothing that blocks the next, except by a migration with `-- transactional: false`, which must be written to
    be run again (drop the invalid index first).
    """

    create_lock_table_sql = PostgresqlPsycopgBackend.create_lock_table_sql.replace("TABLE", "TABLE IF NOT EXISTS", 1)

    def __init__(self, dsn: str) -> None:
        """Connect; writes nothing. Raises psycopg.Error."""
        parameters = conninfo_to_dict(dsn)
        limits = [f"-c {name}={value}" for name, value in _SESSION.items()]
        options = " ".join(filter(None, [str(parameters.pop("options", None) or ""), *limits]))
        database = parameters.pop("dbname", None)
        given = {**parameters, "options": options}
        uri = DatabaseURI("postgresql+psycopg", None, None, None, None, database, given)
        super().__init__(uri, default_migration_table)

    def try_lock(self) -> bool:
        """Take the advisory lock if it is free; held until close() or our death. Never waits, so holds no snapshot."""
        return bool(self.execute(f"SELECT pg_try_advisory_lock({ADVISORY_LOCK})").fetchone()[0])

    def prepare(self) -> None:
        """Create yoyo's own tables where missing. Needs the lock; with it, a row in yoyo_lock is a killed process's."""
        self.create_lock_table()
        self.break_lock()
        self.ensure_internal_schema_updated()
        keep_book(self.connection)

    def close(self) -> None:
        """Disconnect, which lets go of the lock."""
        self.connection.close()

    def apply_one(self, migration: Migration, force: bool = False, mark: bool = True) -> None:
        """Apply and mark a migration, all or nothing. Raises psycopg.Error, yoyo's BadMigration."""
        self._run(migration, "apply", force, self.mark_one if mark else None)

    def rollback_one(self, migration: Migration, force: bool = False) -> None:
        """Roll back and unmark a migration, all or nothing. Raises psycopg.Error, yoyo's BadMigration."""
        self._run(migration, "rollback", force, self.unmark_one)

    def _run(self, migration: Migration, direction: str, force: bool, then: Any) -> None:
        migration.load()
        if not migration.use_transactions:
            migration.process_steps(self, direction, force=force)
        with self.transaction():
            if migration.use_transactions:
                migration.process_steps(self, direction, force=force)
            self.log_migration(migration, direction)
            if then is not None:
                then(migration, log=False)

    def get_log_data(self, migration: Migration | None = None, operation: str = "apply") -> dict[str, Any]:
        # yoyo's own asks DNS for the host's name, and fails for a uid without a name.
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": f"uid {os.geteuid()}",
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }
