"""What an operator sees who has set something up wrongly: one line that says what, and the exit code."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from supervisor.simulator import API_KEY, API_SECRET
from tests.acceptance.running import Running
from tests.world import as_service

SAMPLE = Path(__file__).parents[2] / "config" / "campaignd.toml"
SECRETS = os.environ | {"LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}


def refused(folder: Path, text: str, command: str = "run", **environment: str) -> tuple[int, str]:
    """How `campaignd COMMAND` ends with this service's file, and the one line that it says."""
    (folder / "campaigns.d").mkdir(exist_ok=True)
    file = folder / "campaignd.toml"
    file.write_text(text)
    with Running(command, "--config", file, env={**SECRETS, **environment}) as running:
        code = running.end()
        assert running.out == ""
        assert running.err.startswith("campaignd: ") and running.err.count("\n") == 1, running.err
        return code, running.err


def database(dsn: str, listen: str = "127.0.0.1:0") -> str:
    return f"[database]\ndsn = '''{dsn}'''\n[http]\nlisten = '{listen}'\n"


def test_a_postgresql_that_is_not_there(dsn: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    code, said = refused(tmp_path, database(f"host=127.0.0.1 port={port}"))
    assert code == 1 and "cannot use PostgreSQL" in said and "Connection refused" in said
    code, said = refused(tmp_path, database(make_conninfo(dsn, dbname="no_such_database")))
    assert code == 1 and 'database "no_such_database" does not exist' in said


@pytest.mark.parametrize(
    ("command", "table"), [("run", "_yoyo_migration"), ("run", "trunk_prices"), ("status", "campaigns")]
)
def test_a_role_without_its_rights(dsn: str, tmp_path: Path, command: str, table: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"REVOKE ALL ON {table} FROM campaignd".encode())
    code, said = refused(tmp_path, database(as_service(dsn)), command)
    assert code == 1 and f"permission denied for table {table}" in said
    assert "`campaignd migrate --print-roles` gives the service's role its rights" in said


def test_a_port_that_another_listens_on(dsn: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        listen = f"127.0.0.1:{server.getsockname()[1]}"
        code, said = refused(tmp_path, database(as_service(dsn), listen))
    assert code == 1 and f"can't listen on {listen}" in said and "address already in use" in said


@pytest.mark.parametrize("command", ["run", "status"])
def test_a_state_directory_that_is_a_file(tmp_path: Path, command: str) -> None:
    code, said = refused(tmp_path, '[service]\nstate_directory = "campaignd.toml"\n', command)
    assert code == 1 and f"cannot create {tmp_path / 'campaignd.toml' / 'postgresql'}: Not a directory" in said


def test_a_credential_that_cannot_be_read(dsn: str, tmp_path: Path) -> None:
    (tmp_path / "http_token").mkdir()
    code, said = refused(tmp_path, database(as_service(dsn)), CREDENTIALS_DIRECTORY=str(tmp_path))
    assert code == 2 and f"credential {tmp_path / 'http_token'}: Is a directory" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["statsu"], "No such command 'statsu'."),
        (["status", "--jsn"], "No such option '--jsn'. Did you mean '--json'?"),
        (["start"], "Missing argument 'CAMPAIGN'."),
        (["pause", "spring", "--reason", os.fsdecode(b"caf\xe9")], "Invalid value for '--reason': not UTF-8"),
        (["leads", "list", "--where", os.fsdecode(b"city=K\xf6ln")], "Invalid value for '--where': not UTF-8"),
        (["jobs", "submit", "--company", "acme"], "Missing argument 'TYPE'. Choose from: "),
        (["simulate-livekit", "--port", "78800"], "Invalid value for '--port': 78800 is not in the range 0<=x<=65535."),
        (["verify", "--campaigns", "0"], "Invalid value for '--campaigns': 0 is not in the range 1<=x<=100."),
    ],
)
def test_a_command_that_is_given_wrongly(arguments: list[str], said: str) -> None:
    with Running(*arguments, env=SECRETS | {"CAMPAIGND_CONFIG": __file__}) as running:
        code = running.end()
        assert running.err.startswith(f"campaignd: {said}") and running.err.count("\n") == 1, running.err
        assert (code, running.out) == (1 if "verify" in arguments else 2, ""), "2 of verify: a service has failed"


def test_a_check_of_a_service_whose_file_is_missing_has_failed_itself(tmp_path: Path) -> None:
    with Running("verify", "--config", tmp_path / "none.toml", env=SECRETS) as running:
        assert (running.end(), running.err) == (1, f"campaignd: {tmp_path / 'none.toml'}: no such file\n")


def test_a_full_disk_under_what_is_printed() -> None:
    with Path("/dev/full").open("w") as full, Running("check", "--config", SAMPLE, stdout=full) as running:
        assert (running.end(), running.err) == (1, "campaignd: the output can't be written: No space left on device\n")


def test_a_command_that_is_asked_for_nothing_shows_its_help() -> None:
    with Running("jobs") as running:
        assert running.end() == 2
        assert "Example:" in running.err and "cancel" in running.err
