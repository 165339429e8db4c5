"""`campaignd jobs`: submitting, listing and cancelling by command."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from actors.jobs.kinds import JobType
from supervisor.cli import main
from tests.jobs.office import Office
from tests.world import as_service

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def campaignd(
    office: Office, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command within this process, for the company acme; its exit code and all it printed."""
    office.connection.execute("UPDATE companies SET slug = 'acme'")
    (tmp_path / "campaigns.d").mkdir()
    config = tmp_path / "campaignd.toml"
    trunk = '[trunks.main]\nlivekit_trunk_id = "ST_main"\nfrom_number = "+74951234567"\n'
    config.write_text(f"[database]\ndsn = {json.dumps(as_service(dsn))}\n{trunk}")

    def run(*arguments: str) -> tuple[int, str]:
        where = [] if "--help" in arguments else ["--config", str(config)]
        monkeypatch.setattr(sys, "argv", ["campaignd", "jobs", *arguments, *where])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out + printed.err

    return run


def test_a_job_is_submitted_listed_and_cancelled(campaignd: Run, office: Office) -> None:
    office.leads(3, data={"city": "Berlin"})
    office.leads(2)
    arguments = ["delete_leads", "--company", "acme", "--where", "city=Berlin", "--json"]
    code, printed = campaignd("submit", *arguments)
    submitted = json.loads(printed)
    assert (code, submitted["job_type"], submitted["total"]) == (0, "delete_leads", 3)

    (listed,) = json.loads(campaignd("list", "--company", "acme", "--json")[1])["jobs"]
    assert (listed["id"], listed["status"], listed["done"], listed["total"]) == (submitted["id"], "pending", 0, 3)
    line = campaignd("list")[1]
    assert line.split()[:5] == [submitted["id"], "delete_leads", "acme", "pending", "0/3"]

    code, printed = campaignd("cancel", submitted["id"])
    assert (code, printed.split()[3]) == (0, "cancelled")
    assert campaignd("cancel", submitted["id"]) == (2, "campaignd: Job is cancelled: it can't be cancelled\n")
    assert len(office.numbers_of()) == 5


def test_numbers_of_a_file_choose_leads(campaignd: Run, office: Office, tmp_path: Path) -> None:
    first, *_ = office.leads(3)
    file = tmp_path / "leave-us-alone.txt"
    file.write_text(f"{first}\n8 945 999-99-99\n{first}\n")
    code, printed = campaignd(
        "submit", "delete_leads", "--company", "acme", "--file", str(file), "--region", "ru", "--json"
    )
    assert (code, json.loads(printed)["total"]) == (0, 2), "one of them is no lead, and may be a contact"
    items = office.read("SELECT phone_number FROM job_items ORDER BY position")
    assert [item["phone_number"] for item in items] == [first, "+79459999999"]
    assert first not in str(office.read("SELECT params FROM background_jobs")), "the job's row keeps nobody's number"


def test_a_broadcast_is_submitted_with_its_own_limits(campaignd: Run, office: Office) -> None:
    office.leads(2)
    limits = ["--max-concurrent-calls", "2", "--calls-per-minute", "30", "--max-call-duration-s", "60"]
    arguments = ["broadcast", "--company", "acme", "--all", "--skillbase", "renewals", "--trunk", "main", *limits]
    code, printed = campaignd("submit", *arguments, "--name", "Outage", "--json")
    assert code == 0
    (campaign,) = office.read("SELECT * FROM campaigns WHERE id = %s", json.loads(printed)["campaign_id"])
    assert (campaign["name"], campaign["mode"], campaign["trunk"]) == ("Outage", "broadcast", "main")
    assert (campaign["max_concurrent_calls"], campaign["calls_per_minute"]) == (2, 30)


def test_the_database_of_an_older_version_is_told_in_one_line(campaignd: Run, office: Office) -> None:
    office.leads(1)
    office.connection.execute("ALTER TABLE background_jobs DROP CONSTRAINT chk_job_type")
    office.connection.execute("ALTER TABLE background_jobs ADD CONSTRAINT chk_job_type CHECK (job_type = 'older')")
    code, printed = campaignd("submit", "delete_leads", "--company", "acme", "--all")
    assert (code, len(printed.splitlines())) == (1, 1)
    assert printed.startswith("campaignd: Database migration required")
    assert office.read("SELECT * FROM background_jobs") == office.read("SELECT * FROM job_items") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["submit", "delete_leads", "--company", "acme"],
            "campaignd: Say what it is about: --source, --import, --where, --file or --all.",
        ),
        (
            ["submit", "enqueue_outbound_calls", "--company", "acme", "--campaign", "spring"],
            "campaignd: Say what it is about: --source, --import, --where, --file or --all.",
        ),
        (
            ["submit", "delete_receipts_all", "--company", "acme"],
            "campaignd: Say what it is about: --campaign or --all.",
        ),
        (["submit", "delete_leads", "--company", "nobody", "--all"], "campaignd: Company nobody not found"),
        (["submit", "delete_leads", "--company", "acme", "--all", "--source", "manual"], "campaignd: --all goes with"),
        (["submit", "delete_leads", "--company", "acme", "--all", "--set", "a=b"], "campaignd: delete_leads has no"),
        (["submit", "update_leads", "--company", "acme", "--all"], "campaignd: Say what to change"),
        (["submit", "update_leads", "--company", "acme", "--all", "--set", "a"], "campaignd: --set 'a' is not COLUMN"),
        (["submit", "enqueue_outbound_calls", "--company", "acme", "--all"], "campaignd: enqueue_outbound_calls needs"),
        (["submit", "update_leads", "--company", "acme", "--all", "--name", "a" * 256], "campaignd: --name has more"),
        (["submit", "broadcast", "--company", "acme", "--all", "--name", "a" * 256], "campaignd: --name has more"),
        (["submit", "broadcast", "--company", "acme", "--all"], "campaignd: A broadcast needs --skillbase."),
        (
            ["submit", "broadcast", "--company", "acme", "--all", "--skillbase", "renewals", "--trunk", "x"],
            "campaignd: Trunk x not found (there are: main)",
        ),
        (["submit", "polish_shoes", "--company", "acme"], "campaignd: Invalid value for 'TYPE'"),
        (["cancel", str(uuid4())], "campaignd: Job "),
        (["cancel", "7"], "campaignd: Invalid value for 'ID'"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line_and_exit_code_2(campaignd: Run, arguments: list[str], said: str) -> None:
    code, printed = campaignd(*arguments)
    assert code == 2 and printed.splitlines()[-1].startswith(said)


def test_a_number_that_cant_be_read_stops_the_job_before_it_begins(
    campaignd: Run, office: Office, tmp_path: Path
) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("+79451234567\nnobody\n")
    code, printed = campaignd("submit", "delete_leads", "--company", "acme", "--file", str(file))
    assert (code, printed) == (2, f"campaignd: {file}: Line 2: Not a phone number: nobody\n")
    assert office.read("SELECT * FROM background_jobs") == []


@pytest.mark.parametrize("name", [[], ["submit"], ["list"], ["cancel"]])
def test_help_has_an_example(campaignd: Run, name: list[str]) -> None:
    printed = campaignd(*name, "--help")[1]
    assert f"campaignd jobs {' '.join(name)}".strip() in printed.split("Example:")[1]
    if name == ["submit"]:
        assert all(kind.value in printed for kind in JobType)
