"""The commands of an operator, on a database that a service works on, and on one that nobody does."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner

from supervisor.cli import COMMANDS, campaignd
from supervisor.overview.words import NOBODY_CALLS
from tests.acceptance.running import Running
from tests.acceptance.setting import Setting
from tests.waiting import wait_until

FIVE_ROWS = """phone_number,name,company,notes
+79450000101,Анна,Ромашка,утром
+79450000102,Иван,Ромашка,
+79450000103,Emma,Acme,vip
+79450000104,Zoë,Acme,
,Nobody,Acme,no number
"""


@pytest.fixture(scope="module")
def migrated(setting: Setting) -> list[tuple[int, str, str]]:
    """What the commands answered by which an empty database was brought to this version's schema."""
    migrate, status = ("migrate",), ("migrate", "--status")
    return [setting.done(*command) for command in (("status",), status, migrate, migrate, status)]


@pytest.fixture(scope="module")
def service(setting: Setting, migrated: object) -> Iterator[Running]:
    """A service over two campaigns that have no list, and one whose contacts talk without end."""
    talkers = ["+79450000501", "+79450000502"]
    setting.script({number: {"kind": "answer", "talk_s": 100_000} for number in talkers})
    setting.campaign("spring", "Spring renewals", None)
    setting.campaign("empty", "Empty", None)
    setting.campaign("endless", "Endless", talkers)
    with setting.service() as service:
        yield service


@pytest.fixture(scope="module")
def answers(setting: Setting, service: Running) -> dict[str, tuple[int, str, str]]:
    """What commands answered while the service ran: a list of five rows came to be called, to its end."""
    call_list = setting.folder / "five.csv"
    call_list.write_text(FIVE_ROWS)
    answers = {
        "start without a list": setting.done("start", "spring"),
        "import": setting.done("import", "spring", call_list, "--json"),
        "start": setting.done("start", "Spring renewals"),
        "pause": setting.done("pause", "endless", "--reason", "a new offer"),
    }
    status = ("status", "--json")
    wait_until(lambda: _campaigns(setting.done(*status))["spring"]["status"] == "completed", 20, "it to be completed")
    return answers | {
        "status": setting.done(*status),
        "resume": setting.done("resume", "endless"),
        "start again": setting.done("start", "endless"),
    }


@pytest.fixture(scope="module")
def nobody_works(setting: Setting, service: Running, answers: object) -> Setting:
    """The same set-up after its service was stopped."""
    for _ in range(2):
        service.signal_group(signal.SIGTERM)
        wait_until(lambda: service.ended or "stopping" in service.err, 10)
    assert service.end() == 0
    return setting


def test_a_database_is_brought_to_this_versions_schema(migrated: list[tuple[int, str, str]]) -> None:
    (code, out, told), missing, done, again, applied = migrated
    assert (code, out) == (1, "")
    assert told.startswith("campaignd: the database's schema is older than this code")
    assert "campaignd migrate" in told
    assert told.count("\n") == 1
    for (code, out, err), word in ((missing, "missing"), (done, "applied"), (applied, "applied")):
        assert (code, err) == (0, "")
        assert {line.split()[0] for line in out.splitlines()} == {word}
    assert again == (0, "nothing to do: the schema is this version's\n", "")


def test_check_names_file_key_and_reason(setting: Setting) -> None:
    setting.campaign("spring", "Spring renewals", None)
    assert setting.done("check")[0] == 0
    file = setting.folder / "campaigns.d" / "wrong.toml"
    file.write_text('name = "Wrong"\ncompany = "acme"\nskillbase = "nobody"\ntrunk = "main"\n[limits]\ncalls = 3\n')
    try:
        code, out, err = setting.done("check")
    finally:
        file.unlink()
    assert (code, out) == (2, "")
    first, second = sorted(err.splitlines())
    assert "wrong.toml: limits.calls" in first
    assert "wrong.toml: skillbase" in second


def test_while_the_service_runs(answers: dict[str, tuple[int, str, str]]) -> None:
    assert answers["start without a list"] == (2, "", "campaignd: Campaign has no tasks: import a call list first\n")
    code, out, err = answers["import"]
    assert code == 0
    assert err.startswith("5 rows in ") and err.endswith(" MB\n")
    assert json.loads(out) == {"total": 5, "created": 4, "errors": ["Row 6: Empty phone number"]}
    assert answers["start"] == (0, "Spring renewals: running\n", "")
    assert answers["pause"] == (0, "Endless: paused (a new offer)\n", "")
    campaigns = _campaigns(answers["status"])
    assert campaigns["spring"]["calls"] == {"total": 4, "by_outcome": {"answered": 4}}
    assert (campaigns["empty"]["status"], campaigns["empty"]["tasks"]["total"]) == ("draft", 0)
    assert (campaigns["endless"]["status"], campaigns["endless"]["holds"]) == ("paused", ["operator"])
    assert answers["resume"] == (0, "Endless: running\n", "")
    assert answers["start again"] == (2, "", "campaignd: Campaign is already running\n")


def test_while_nobody_works(nobody_works: Setting) -> None:
    setting = nobody_works
    unknown = (2, "", "campaignd: No campaign with the slug, id or name 'autumn'\n")
    commands: list[tuple[object, ...]] = [
        ("status",),
        ("report", "spring"),
        ("report", "--company", "acme", "--format", "json"),
        ("import", "empty", setting.folder / "five.csv"),
        ("import", "autumn", setting.folder / "five.csv"),
        ("import", "empty", setting.folder / "none.csv"),
        *((name, "autumn") for name in ("start", "pause", "resume", "report")),
    ]
    with ThreadPoolExecutor(2) as pool:
        status, table, report, imported, *refused = pool.map(lambda command: setting.done(*command), commands)
    assert (status[0], status[2]) == (0, "")
    *_, empty, endless, spring, nobody = status[1].splitlines()
    assert [line.split()[0] for line in (empty, endless, spring)] == ["empty", "endless", "spring"]
    assert nobody == NOBODY_CALLS
    assert (table[0], table[2]) == (0, "")
    assert "Attempts per contact reached" in table[1]
    assert (report[0], report[2]) == (0, "")
    assert json.loads(report[1])["company"]["calls"]["by_outcome"]["answered"] >= 4
    assert imported[0] == 0
    assert "5 rows, 4 contacts added, 1 not added" in imported[1]
    assert "Row 6: Empty phone number" in imported[1]
    missing = refused.pop(1)
    assert missing[0] == 2
    assert missing[2].count("\n") == 1
    assert refused == [unknown] * len(refused)
    assert setting.done("start", "empty") == (0, "Empty: running\n", "")
    assert setting.done("pause", "empty")[0] == 0
    assert setting.done("resume", "empty") == (0, "Empty: running\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(name: str) -> None:
    done = CliRunner().invoke(campaignd, [name, "--help"], prog_name="campaignd")
    assert done.exit_code == 0
    assert f"campaignd {name}" in done.output.split("Example:")[1]


def test_help_names_every_command() -> None:
    with Running("--help") as command:
        assert (command.end(), command.err) == (0, "")
        assert "Example:" in command.out
        assert all(f"  {name} " in command.out for name in COMMANDS)


def _campaigns(status: tuple[int, str, str]) -> dict[str, dict[str, object]]:
    code, out, err = status
    assert (code, err) == (0, "")
    return {campaign["slug"]: campaign for campaign in json.loads(out)["campaigns"]}
