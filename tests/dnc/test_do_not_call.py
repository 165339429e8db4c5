"""The do-not-call lists, by the commands that keep them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from supervisor.cli import main
from supervisor.dnc import entries
from supervisor.dnc.numbers import Given, from_file, sort_out
from tests.world import as_service

Run = Callable[..., tuple[int, str]]
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
ACME, GLOBEX = UUID(int=1), UUID(int=2)
ONE, TWO = "+79451234567", "+79451234568"


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection]:
    """To a database with two companies."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for id_, slug in ((ACME, "acme"), (GLOBEX, "globex")):
            connection.execute(
                "INSERT INTO companies VALUES (%s, %s, %s, 1, 1, 3, %s, %s)", (id_, slug, slug, NOW, NOW)
            )
        yield connection


@pytest.fixture
def config(connection: psycopg.Connection, dsn: str, tmp_path: Path) -> Path:
    """The service's file, for the database of the test."""
    (tmp_path / "campaigns.d").mkdir()
    config = tmp_path / "campaignd.toml"
    config.write_text(f"[database]\ndsn = {json.dumps(as_service(dsn))}\n")
    return config


@pytest.fixture
def campaignd(config: Path) -> Run:
    """Runs a command in a process of its own; its exit code and all it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "supervisor", "dnc", *arguments, "--config", str(config)]
        done = subprocess.run(command, text=True, encoding="utf-8", capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The same within this process, which is quicker; `--config` is for the caller to give."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["campaignd", "dnc", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out + printed.err

    return run


def listed(connection: psycopg.Connection, company: UUID | None = None) -> list[tuple[str, str | None, str | None]]:
    with entries.entries(connection, company) as found:
        return [(entry.phone_number, entry.company, entry.reason) for entry in found]


def test_numbers_are_added_listed_and_removed_by_commands(campaignd: Run, connection: psycopg.Connection) -> None:
    added = campaignd("add", "8 (945) 123-45-67", TWO, "--region", "ru", "--company", "acme", "--reason", "asked us")
    assert added == (0, "acme's list: 2 added, 0 already there, 0 refused\n")
    assert campaignd("add", ONE) == (0, "everybody's list: 1 added, 0 already there, 0 refused\n")
    assert campaignd("add", ONE) == (0, "everybody's list: 0 added, 1 already there, 0 refused\n")

    code, printed = campaignd("list", "--json", "--company", "globex")
    (entry,) = json.loads(printed)["do_not_call"]
    assert (code, entry["phone_number"], entry["company"], entry["reason"]) == (0, ONE, None, None)
    lines = campaignd("list")[1].splitlines()
    assert [line.split()[:2] for line in lines] == [[ONE, "everybody"], [ONE, "acme"], [TWO, "acme"]]
    assert lines[1].endswith("asked us")

    code, printed = campaignd("remove", ONE, "+79459999999")
    assert code == 0
    assert printed.splitlines() == [
        "everybody's list: 1 removed, 1 not there, 0 refused",
        f"  {ONE} stays on acme's list",
    ]
    assert listed(connection) == [(ONE, "acme", "asked us"), (TWO, "acme", "asked us")]


def test_bad_lines_of_a_file_are_told_and_the_rest_is_added(
    in_process: Run, config: Path, connection: psycopg.Connection, tmp_path: Path
) -> None:
    file = tmp_path / "stop.txt"
    file.write_text(f"{ONE}\n\nnobody\n{TWO}\n+7945\n{ONE}\n")
    code, printed = in_process("add", "--file", str(file), "--config", str(config))
    assert code == 1
    first, *refused = printed.splitlines()
    assert first == "everybody's list: 2 added, 0 already there, 2 refused"
    assert [line.split(":")[0] for line in refused] == ["  Line 3", "  Line 5"]
    assert [number for number, _, _ in listed(connection)] == [ONE, TWO]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "+79451234567", "--company", "nobody"], 2, "campaignd: Company nobody not found"),
        (["add"], 2, "campaignd: Give numbers, or a file with --file."),
        (["add", ONE, "--region", "Russia"], 2, "campaignd: Not a country's ISO code: 'Russia' (such as RU)"),
        (["add", ONE, "--region", "UK"], 2, "campaignd: Not a country's ISO code: 'UK' (such as RU)"),
        (
            ["add", "--file", "/nowhere/stop.txt"],
            2,
            "campaignd: Can't read /nowhere/stop.txt: No such file or directory",
        ),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    in_process: Run, config: Path, arguments: list[str], code: int, said: str
) -> None:
    found, printed = in_process(*arguments, "--config", str(config))
    assert (found, printed.splitlines()[-1]) == (code, said)


@pytest.mark.parametrize("name", [[], ["add"], ["remove"], ["list"]])
def test_help_has_an_example(in_process: Run, name: list[str]) -> None:
    said = in_process(*name, "--help")[1]
    assert f"campaignd dnc {' '.join(name)}".strip() in said.split("Example:")[1]
    if name in ([], ["add"]):
        assert "Calls in progress are not hung up" in " ".join(said.split())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_a_call_lists_column_is_read_in_its_encodings(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "stop.csv"
    file.write_bytes(f"Имя;Phone Number\nАнна;{ONE}\nПётр;\n".encode(encoding))
    assert list(from_file(file)) == [Given("Line 2", ONE), Given("Line 3", "")]


def test_plain_lines_may_carry_more_than_the_number(tmp_path: Path) -> None:
    file = tmp_path / "stop"
    file.write_text(f"{ONE},since May\n{TWO}\n")
    assert [given.text for given in from_file(file)] == [ONE, TWO]


def test_a_refused_number_is_masked() -> None:
    (refused,) = sort_out([Given("Line 1", "+799912345670000")], None).refused
    assert refused.startswith("Line 1: Impossible number: +7999***0000")


def test_a_long_list_is_added_whole_or_not_at_all(connection: psycopg.Connection) -> None:
    numbers = [f"+7945{n:07}" for n in range(25_000)]
    with pytest.raises(psycopg.errors.StringDataRightTruncation):
        entries.add(connection, [*numbers, "+" + "9" * 60], None, None, NOW)
    assert listed(connection) == []
    assert entries.add(connection, numbers, None, None, NOW) == 25_000
    assert entries.add(connection, [*numbers, ONE], None, None, NOW) == 1


def test_one_companys_entry_does_not_touch_anothers(connection: psycopg.Connection) -> None:
    entries.add(connection, [ONE], ACME, "a", NOW)
    entries.add(connection, [ONE], GLOBEX, "g", NOW)
    removed, left = entries.remove(connection, [ONE], GLOBEX)
    assert (removed, [entry.company for entry in left]) == (1, ["acme"])
    assert listed(connection, GLOBEX) == []
    assert listed(connection, ACME) == [(ONE, "acme", "a")]
