"""Migrating: once each, forward and back, by several at a time, and after a kill."""

from __future__ import annotations

import glob
import shutil
import signal
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import structlog
from processes import end, python
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from yoyo import read_migrations

from actors.errors import DatabaseError
from supervisor.database.checksums import checksums
from supervisor.database.migrations import Result, check_schema, migrate, status
from supervisor.database.roles import OWNER, become
from supervisor.database.yoyo_backend import ADVISORY_LOCK, OneConnectionBackend
from supervisor.shipped import shipped_folder
from tests.waiting import wait_until

FOLDER = shipped_folder("migrations")
ALL = sorted(path.stem for path in FOLDER.glob("*.sql") if not path.stem.endswith(".rollback"))
MIGRATOR = """
import sys
from pathlib import Path
from supervisor.database.migrations import migrate
print(*migrate(sys.argv[1], folder=Path(sys.argv[2])).applied, flush=True)
"""
# Dies after the last statement of a migration and before it is marked.
DYING_MIGRATOR = """
import os, sys
from pathlib import Path
from supervisor.database.migrations import migrate
from supervisor.database.roles import OWNER, become
from supervisor.database.yoyo_backend import OneConnectionBackend
OneConnectionBackend.mark_one = lambda *arguments, **options: os.kill(os.getpid(), 9)
migrate(sys.argv[1], folder=Path(sys.argv[2]))
"""
OBJECTS = """
    SELECT 'relation', relname::text, pg_get_indexdef(indexrelid) FROM pg_class LEFT JOIN pg_index ON indexrelid = oid
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'column', attrelid::regclass || '.' || attname, format_type(atttypid, atttypmod)
              || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END || coalesce(pg_get_expr(adbin, adrelid), '')
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
              LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
"""


def objects(dsn: str) -> set[tuple[str, str, str | None]]:
    """Everything that migrations made in a database, without yoyo's own tables."""
    with psycopg.connect(dsn) as connection:
        return {row for row in connection.execute(OBJECTS) if "yoyo" not in row[1]}


def roll_back(dsn: str) -> None:
    backend = OneConnectionBackend(dsn)
    try:
        assert wait_until(backend.try_lock)  # the last form's session may be about to end
        for migration in backend.to_rollback(read_migrations(glob.escape(str(FOLDER)))):
            backend.rollback_one(migration)
    finally:
        backend.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a first migration that succeeds and a second that waits for advisory lock 1."""
    path = tmp_path / "[two] migrations"
    path.mkdir()
    (path / "0001_first.sql").write_text("CREATE TABLE first ();")
    (path / "0002_second.sql").write_text(
        "-- depends: 0001_first\nCREATE TABLE second ();\nSELECT pg_advisory_xact_lock(1);"
    )
    return path


def test_every_migration_applies_and_rolls_back_to_nothing_and_applies_again(empty_dsn: str) -> None:
    nothing = objects(empty_dsn)
    assert migrate(empty_dsn) == Result(ALL)
    everything = objects(empty_dsn)
    roll_back(empty_dsn)
    assert objects(empty_dsn) == nothing == set()
    assert migrate(empty_dsn) == Result(ALL)
    assert objects(empty_dsn) == everything
    assert migrate(empty_dsn) == Result([])


def test_every_migration_has_a_rollback_and_its_checksum() -> None:
    assert {path.name for path in FOLDER.glob("*.rollback.sql")} == {f"{migration}.rollback.sql" for migration in ALL}
    written = (FOLDER / "checksums.txt").read_text()
    assert written == checksums(FOLDER), "after adding a migration: python -m supervisor.database.checksums"


def test_every_form_of_dsn_will_do(empty_dsn: str) -> None:
    given = conninfo_to_dict(empty_dsn)
    uri = f"postgresql://postgres@/{given['dbname']}?host={quote(given['host'], safe='')}&port={given['port']}"
    assert migrate(uri) == Result(ALL)
    roll_back(empty_dsn)
    assert migrate(make_conninfo(empty_dsn, options="-c application_name='a\\ b'")) == Result(ALL)


def test_statements_have_a_limit_and_a_killed_client_is_noticed(empty_dsn: str) -> None:
    backend = OneConnectionBackend(make_conninfo(empty_dsn, options="-c work_mem=1MB"))
    shown = {"statement_timeout": "2min", "client_connection_check_interval": "2s", "work_mem": "1MB"}
    try:
        assert {name: backend.execute(f"SHOW {name}").fetchone()[0] for name in shown} == shown
    finally:
        backend.close()


def test_a_lock_held_past_the_limit_means_a_warning_and_no_harm(empty_dsn: str) -> None:
    with psycopg.connect(empty_dsn, autocommit=True) as other, structlog.testing.capture_logs() as logs:
        other.execute("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK,))
        assert migrate(empty_dsn, lock_timeout_s=0.01) == Result([], skipped_because_locked=True)
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("migrations_skipped", "warning")]
    assert objects(empty_dsn) == set()


def test_three_migrators_at_once_apply_each_migration_once(empty_dsn: str) -> None:
    migrators = [python(MIGRATOR, empty_dsn, FOLDER) for _ in range(3)]
    answers = [migrator.communicate() for migrator in migrators]
    assert [migrator.returncode for migrator in migrators] == [0, 0, 0], answers
    assert sorted(" ".join(said for said, _ in answers).split()) == ALL
    with psycopg.connect(empty_dsn) as connection:
        log = connection.execute("SELECT migration_id, operation FROM _yoyo_log ORDER BY 1")
        assert log.fetchall() == [(migration, "apply") for migration in ALL]


def test_a_migrator_killed_in_a_statement_blocks_nobody(empty_dsn: str, folder: Path) -> None:
    with psycopg.connect(empty_dsn, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(1)")
        migrator = python(MIGRATOR, empty_dsn, folder)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
        wait_until(lambda: other.execute(waiting).fetchone() == (1,), what="the second migration")
        end(migrator)
        assert status(empty_dsn, folder=folder).applied == ["0001_first"]
        # The statement that the killed one left behind still waits: its lock goes when PostgreSQL sees that it is dead.
        wait_until(lambda: other.execute(waiting).fetchone() == (0,), what="the end of the killed migrator's session")
        other.execute("SELECT pg_advisory_unlock(1)")
        assert migrate(empty_dsn, folder=folder) == Result(["0002_second"])


def test_a_migrator_killed_between_a_migration_and_its_mark_blocks_nobody(empty_dsn: str, folder: Path) -> None:
    migrator = python(DYING_MIGRATOR, empty_dsn, folder)
    _, said = migrator.communicate()
    assert migrator.returncode == -signal.SIGKILL, said
    assert status(empty_dsn, folder=folder).applied == []
    assert migrate(empty_dsn, folder=folder) == Result(["0001_first", "0002_second"])


def test_yoyos_own_lock_left_by_a_killed_process_blocks_nobody(dsn: str, tmp_path: Path) -> None:
    more = shutil.copytree(FOLDER, tmp_path / "more")
    (more / "9999_more.sql").write_text("CREATE TABLE more ();")
    with psycopg.connect(dsn) as connection:
        connection.execute("INSERT INTO yoyo_lock VALUES (1, now(), 99999)")
    assert migrate(become(dsn, OWNER), folder=more) == Result(["9999_more"])


def test_a_migration_that_fails_changes_nothing_and_says_why(empty_dsn: str, folder: Path) -> None:
    (folder / "0002_second.sql").write_text("CREATE TABLE second (); SELECT 1/0;")
    with pytest.raises(DatabaseError, match="migration 0002_second failed and changed nothing: division by zero"):
        migrate(empty_dsn, folder=folder)
    assert status(empty_dsn, folder=folder).missing == ["0002_second"]
    assert ("relation", "second", None) not in objects(empty_dsn)


def test_an_older_and_a_newer_schema_are_each_told_apart(dsn: str, empty_dsn: str) -> None:
    check_schema(dsn)
    with psycopg.connect(dsn) as connection:
        check_schema(connection)
        connection.execute("INSERT INTO _yoyo_migration VALUES ('x', '9999_future', now())")
        with pytest.raises(DatabaseError, match=r"newer than this code \(it has 9999_future\): upgrade campaignd"):
            check_schema(connection)
    with pytest.raises(DatabaseError, match="newer than this code"):
        migrate(dsn)
    with pytest.raises(
        DatabaseError, match=rf"older than this code \(it lacks {ALL[0]}, .*\): run `campaignd migrate`"
    ):
        check_schema(empty_dsn)


def test_asking_for_the_status_writes_nothing(empty_dsn: str) -> None:
    assert status(empty_dsn).missing == ALL
    with psycopg.connect(empty_dsn) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        assert tables.fetchone() == (0,)


def test_a_database_out_of_reach_is_said_in_one_line() -> None:
    with pytest.raises(DatabaseError, match=r"cannot use PostgreSQL: .*/nowhere") as caught:
        migrate("host=/nowhere dbname=x")
    assert "\n" not in str(caught.value)
