"""The people a company knows, by the commands that import, list and export them."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from supervisor.cli import main
from tests.world import TUESDAY, as_service

Run = Callable[..., tuple[int, str]]
ACME, GLOBEX = UUID(int=1), UUID(int=2)
ONE, TWO, THREE = "+79451234567", "+79451234568", "+79451234569"


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection]:
    """To a database with two companies."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for id_, slug in ((ACME, "acme"), (GLOBEX, "globex")):
            connection.execute(
                "INSERT INTO companies (id, slug, name, created_at, updated_at) VALUES (%s, %s, %s, %s, %s)",
                (id_, slug, slug, TUESDAY, TUESDAY),
            )
        yield connection


@pytest.fixture
def campaignd(
    connection: psycopg.Connection,
    dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs a command within this process; its exit code and all it printed."""
    (tmp_path / "campaigns.d").mkdir()
    config = tmp_path / "campaignd.toml"
    config.write_text(f"[database]\ndsn = {json.dumps(as_service(dsn))}\n")

    def run(*arguments: str) -> tuple[int, str]:
        where = [] if "--help" in arguments else ["--config", str(config)]
        monkeypatch.setattr(sys, "argv", ["campaignd", "leads", *arguments, *where])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out + printed.err

    return run


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A file of people, one of whom can't be called."""
    file = tmp_path / "people.csv"
    file.write_text(
        f'phone_number,name,priority,city\n{ONE},Анна,5,Казань\n8 945 123-45-68,Emma,,"=1+1"\n'
        f"nobody,Tom,,\n{ONE},Ann,,\n"
    )
    return file


def listed(campaignd: Run, *chosen: str) -> list[dict[str, object]]:
    code, printed = campaignd("list", "--company", "acme", "--json", *chosen)
    assert code == 0
    leads: list[dict[str, object]] = json.loads(printed)["leads"]
    return leads


def test_people_are_imported_by_the_rules_of_call_lists(campaignd: Run, people: Path) -> None:
    code, printed = campaignd("import", str(people), "--company", "acme", "--region", "ru", "--json")
    result = json.loads(printed)
    assert (code, result["total"], result["created"]) == (0, 4, 2)
    assert result["errors"] == ["Row 4: Not a phone number: nobody", "Row 5: Duplicate of row 2"]
    leads = listed(campaignd)
    assert [(lead["phone_number"], lead["name"], lead["data"]) for lead in leads] == [
        (ONE, "Анна", {"city": "Казань", "priority": "5"}),
        (TWO, "Emma", {"city": "=1+1"}),
    ]
    assert {(lead["source"], lead["import_id"]) for lead in leads} == {("imported", result["import_id"])}


def test_importing_again_creates_nobody_twice_and_other_companies_have_their_own(campaignd: Run, people: Path) -> None:
    campaignd("import", str(people), "--company", "acme", "--region", "RU")
    again = json.loads(campaignd("import", str(people), "--company", "acme", "--region", "RU", "--json")[1])
    assert (again["created"], again["errors"][0]) == (0, "Row 2: Already a lead of this company")
    other = json.loads(campaignd("import", str(people), "--company", "globex", "--region", "RU", "--json")[1])
    assert other["created"] == 2


def test_an_import_that_breaks_off_leaves_nothing_behind(
    campaignd: Run, people: Path, connection: psycopg.Connection
) -> None:
    connection.execute(f"ALTER TABLE leads ADD CONSTRAINT broken CHECK (phone_number <> '{TWO}')")
    code, printed = campaignd("import", str(people), "--company", "acme", "--region", "RU")
    assert code == 1 and printed.startswith("campaignd: The import failed, nothing was added")
    assert connection.execute("SELECT FROM leads").rowcount == 0


def test_leads_are_chosen_by_source_import_and_columns(campaignd: Run, people: Path, tmp_path: Path) -> None:
    first = json.loads(campaignd("import", str(people), "--company", "acme", "--region", "RU", "--json")[1])
    more = tmp_path / "more.csv"
    more.write_text(f"phone_number,city\n{THREE},Казань\n")
    campaignd("import", str(more), "--company", "acme")
    assert [lead["phone_number"] for lead in listed(campaignd, "--where", "city=Казань")] == [ONE, THREE]
    assert [lead["phone_number"] for lead in listed(campaignd, "--import", first["import_id"])] == [ONE, TWO]
    assert listed(campaignd, "--source", "manual") == []
    lines = campaignd("list", "--company", "acme")[1].splitlines()
    assert len(lines) == 3 and lines[0].startswith(ONE) and "city=Казань" in lines[0]


def test_what_is_exported_can_be_imported_again(campaignd: Run, people: Path, tmp_path: Path) -> None:
    campaignd("import", str(people), "--company", "acme", "--region", "RU")
    out = tmp_path / "leads.csv"
    assert campaignd("export", "--company", "acme", "--out", str(out)) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))))
    assert rows == [
        {"phone_number": ONE, "name": "Анна", "city": "Казань", "priority": "5"},
        {"phone_number": TWO, "name": "Emma", "city": "'=1+1", "priority": ""},  # no formula for a spreadsheet
    ]
    again = json.loads(campaignd("import", str(out), "--company", "globex", "--json")[1])
    assert (again["total"], again["created"]) == (2, 2)
    assert campaignd("export", "--company", "acme")[1].splitlines()[0] == "phone_number,name,city,priority"


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
def test_a_line_end_in_a_value_begins_no_row_which_might_be_a_formula(
    campaignd: Run, people: Path, tmp_path: Path, connection: psycopg.Connection, line_end: str
) -> None:
    campaignd("import", str(people), "--company", "acme", "--region", "RU")
    value = f"ok{line_end}=cmd|' /C calc'!A0"
    connection.execute("UPDATE leads SET data = %s WHERE name = 'Emma'", (Jsonb({"city": value}),))
    out = tmp_path / "leads.csv"
    assert campaignd("export", "--company", "acme", "--out", str(out)) == (0, "")
    with out.open(encoding="utf-8-sig", newline="") as file:
        _, emma, *others = csv.DictReader(file)
    assert (emma["city"], others) == (value, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "--company", "nobody"], "campaignd: Company nobody not found"),
        (["list", "--company", "acme", "--where", "city"], "campaignd: --where 'city' is not COLUMN=TEXT"),
        (["import", "/nowhere/x.csv", "--company", "acme"], "campaignd: Can't read the call list /nowhere/x.csv"),
        (["import", "/x.csv", "--company", "acme", "--region", "Russia"], "campaignd: Not a country's ISO code"),
        (["import", "/x.csv", "--company", "acme", "--region", "UK"], "campaignd: Not a country's ISO code: 'UK'"),
        (["list"], "campaignd: Missing option '--company'"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(campaignd: Run, arguments: list[str], said: str) -> None:
    code, printed = campaignd(*arguments)
    assert code == 2 and printed.splitlines()[-1].startswith(said)


@pytest.mark.parametrize("name", [[], ["import"], ["list"], ["export"]])
def test_help_has_an_example(campaignd: Run, name: list[str]) -> None:
    assert f"campaignd leads {' '.join(name)}".strip() in campaignd(*name, "--help")[1].split("Example:")[1]
