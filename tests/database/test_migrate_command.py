"""`campaignd migrate`, as it is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from processes import naming

from supervisor.cli import main
from supervisor.database.account import temporary_folder
from supervisor.database.yoyo_backend import OneConnectionBackend

Answer = tuple[int, list[str], str]


@pytest.fixture
def campaignd(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Runs `campaignd migrate` with a service's file; answers with its exit code, its lines, its errors."""

    def run(config: Path, *arguments: str) -> Answer:
        monkeypatch.setattr("sys.argv", ["campaignd", "migrate", "--config", str(config), *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out.splitlines(), said.err

    return run


def service_file(folder: Path, table: str, key: str, value: str) -> Path:
    (folder / "campaigns.d").mkdir(exist_ok=True)
    file = folder / "campaignd.toml"
    file.write_text(f"[{table}]\n{key} = {json.dumps(value)}\n")
    return file


def test_it_applies_what_is_missing_and_then_has_nothing_to_do(
    campaignd: Callable[..., Answer], empty_dsn: str, tmp_path: Path
) -> None:
    config = service_file(tmp_path, "database", "dsn", empty_dsn)
    assert campaignd(config, "--status")[1][0] == "missing  0001_companies_and_leads"
    code, lines, errors = campaignd(config)
    assert (code, lines[0], errors) == (0, "applied 0001_companies_and_leads", "")
    assert campaignd(config) == (0, ["nothing to do: the schema is this version's"], "")
    assert campaignd(config, "--status")[1][0] == "applied  0001_companies_and_leads"


def test_without_a_dsn_it_migrates_the_database_in_the_state_directory_and_leaves_no_process(
    campaignd: Callable[..., Answer],
) -> None:
    with temporary_folder() as folder:
        config = service_file(folder, "service", "state_directory", "state")
        assert campaignd(config)[1][0] == "applied 0001_companies_and_leads"
        assert campaignd(config, "--status")[1][0] == "applied  0001_companies_and_leads"
        assert naming(folder) == []


def test_a_newer_schema_is_refused_with_1_and_a_wrong_file_with_2(
    campaignd: Callable[..., Answer], dsn: str, tmp_path: Path
) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("INSERT INTO _yoyo_migration VALUES ('x', '9999_future', now())")
    code, _, errors = campaignd(service_file(tmp_path, "database", "dsn", dsn))
    assert code == 1
    assert errors.endswith("(it has 9999_future): upgrade campaignd\n")
    assert campaignd(service_file(tmp_path, "databse", "dsn", dsn))[0] == 2


def test_a_held_lock_is_said_and_fails_while_something_is_missing(
    campaignd: Callable[..., Answer], dsn: str, empty_dsn: str, tmp_path: Path
) -> None:
    for database, expected in ((dsn, 0), (empty_dsn, 1)):
        other = OneConnectionBackend(database)
        assert other.try_lock()
        try:
            config = service_file(tmp_path, "database", "dsn", database)
            code, _, errors = campaignd(config, "--lock-timeout", "0")
            assert code == expected
        finally:
            other.close()
    assert "another process is migrating" in errors
