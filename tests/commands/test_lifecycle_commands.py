"""`campaignd start`, `pause` and `resume`, as they are run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from tests.world import as_service

CAMPAIGN = UUID(int=1)
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def campaignd(dsn: str, tmp_path: Path) -> Run:
    """Runs a command on a database with one draft of one contact; its exit code and all it printed."""
    (tmp_path / "campaigns.d").mkdir()
    config = tmp_path / "campaignd.toml"
    config.write_text(f"[database]\ndsn = {json.dumps(as_service(dsn))}\n")
    with psycopg.connect(dsn) as connection:
        values = {"id": CAMPAIGN}
        for table, columns in (
            ("companies (slug, name, id, created_at, updated_at)", "'acme', 'Acme'"),
            ("skillbases (slug, agent_name, company_id, id, created_at, updated_at)", "'s', 'agent', %(id)s"),
            (
                "campaigns (slug, name, trunk, total_tasks, company_id, skillbase_id, id, created_at, updated_at)",
                "'spring', 'Spring renewals', 'main', 1, %(id)s, %(id)s",
            ),
            ("call_tasks (phone_number, campaign_id, id, created_at, updated_at)", "'+79990000001', %(id)s"),
        ):
            connection.execute(f"INSERT INTO {table} VALUES ({columns}, %(id)s, now(), now())".encode(), values)

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "supervisor", *arguments, "--config", str(config)]
        done = subprocess.run(command, text=True, encoding="utf-8", capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def test_a_campaign_is_started_paused_and_resumed_with_a_line_for_each(campaignd: Run, dsn: str) -> None:
    assert campaignd("start", "spring") == (0, "Spring renewals: running\n")
    assert campaignd("pause", str(CAMPAIGN), "--reason", "new offer") == (0, "Spring renewals: paused (new offer)\n")
    assert campaignd("resume", "Spring renewals") == (0, "Spring renewals: running\n")
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT to_status, reason FROM campaign_status_history ORDER BY id").fetchall()
    assert [status for status, _ in rows] == ["running", "paused", "running"]
    assert [reason.split(" operator ")[0] for _, reason in rows] == ["started by", "new offer", "resumed by"]


def test_a_reason_is_a_line_whatever_was_pasted(campaignd: Run) -> None:
    assert campaignd("start", "spring")[0] == 0
    said = "Spring renewals: paused (new offer, from Monday)\n"
    assert campaignd("pause", "spring", "--reason", "new offer,\n  from Monday\n") == (0, said)
    code, said = campaignd("pause", "spring", "--reason", " ")
    assert code == 0 and said.startswith("Spring renewals: paused (paused by operator ")


def test_that_postgresql_may_only_be_read_is_said_in_a_line(campaignd: Run, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    code, said = campaignd("start", "spring")
    assert (code, said.count("\n")) == (1, 1) and "in a read-only transaction" in said, said


def test_the_history_names_who_gave_the_command_as_the_services_account(
    campaignd: Run, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "anna")
    monkeypatch.setenv("LOGNAME", "campaignd")
    campaignd("start", "spring")
    assert campaignd("pause", "spring") == (0, "Spring renewals: paused (paused by operator anna)\n")
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT reason FROM campaign_status_history ORDER BY id").fetchall()
    assert rows == [("started by operator anna",), ("paused by operator anna",)]


def test_a_resumed_campaign_stays_paused_while_something_else_holds_it(campaignd: Run, dsn: str) -> None:
    campaignd("start", "spring")
    campaignd("pause", "spring")
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO campaign_holds VALUES (%s, 'breaker:livekit', 'LiveKit is failing', '503', now())", (CAMPAIGN,)
        )
    assert campaignd("resume", "spring") == (0, "Spring renewals: paused (LiveKit is failing)\n")


def test_refusals_are_one_line_and_exit_code_2(campaignd: Run) -> None:
    code, said = campaignd("pause", "spring")
    assert (code, said) == (2, "campaignd: Campaign is not running\n")
    code, said = campaignd("start", "summer")
    assert (code, said) == (2, "campaignd: No campaign with the slug, id or name 'summer'\n")
    campaignd("start", "spring")
    code, said = campaignd("start", "spring")
    assert (code, said) == (2, "campaignd: Campaign is already running\n")


@pytest.mark.parametrize("name", ["start", "pause", "resume", "status", "report"])
def test_help_has_an_example(name: str) -> None:
    command = [sys.executable, "-m", "supervisor", name, "--help"]
    said = subprocess.run(command, text=True, capture_output=True, check=True).stdout
    assert f"campaignd {name}" in said.split("Example:")[1]
    assert "--config" in said


def test_a_campaigns_file_with_a_mistake_stands_in_nobodys_way(campaignd: Run, tmp_path: Path) -> None:
    campaignd("start", "spring")
    (tmp_path / "campaigns.d" / "autumn.toml").write_text("name = \n")
    assert campaignd("pause", "spring", "--reason", "wrong offer") == (0, "Spring renewals: paused (wrong offer)\n")
    for looking in ("status", "explain spring", "report spring", "recordings list"):
        code, said = campaignd(*looking.split())
        assert code == 0, said
    code, said = campaignd("check")
    assert code == 2 and "autumn.toml" in said


def test_a_mistake_in_the_services_own_file_is_told(campaignd: Run, tmp_path: Path) -> None:
    with (tmp_path / "campaignd.toml").open("a") as config:
        config.write("[htttp]\n")
    code, said = campaignd("pause", "spring")
    assert code == 2 and "htttp" in said
