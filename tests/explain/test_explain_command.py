"""`campaignd explain`, as it is run; and how long it takes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from supervisor.cli import main
from supervisor.explain.reasons import Reason
from tests.explain.states import MOSCOW, NOW, SPRING, States
from tests.world import as_service

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def config(dsn: str, tmp_path: Path) -> Path:
    """The service's file, for the database of the test."""
    (tmp_path / "campaigns.d").mkdir()
    config = tmp_path / "campaignd.toml"
    trunk = '[trunks.main]\nlivekit_trunk_id = "ST"\nfrom_number = "+74951234567"\nmax_concurrent_calls = 1\n'
    config.write_text(f"[database]\ndsn = {json.dumps(as_service(dsn))}\n{trunk}")
    return config


@pytest.fixture
def campaignd(states: States, config: Path) -> Run:
    """Runs the command on the database of `states`, in a process of its own."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "supervisor", "explain", *arguments, "--config", str(config)]
        return subprocess.run(command, text=True, encoding="utf-8", capture_output=True, check=False)

    return run


@pytest.fixture
def in_process(
    states: States, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """The same within this process, which is quicker."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["campaignd", "explain", *arguments, "--config", str(config)]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(command, int(end.value.code or 0), printed.out, printed.err)

    return run


def test_a_campaign_is_explained_as_a_table_and_as_json(campaignd: Run, states: States) -> None:
    states.task(MOSCOW)
    states.task(status="completed", outcome="answered")
    states.in_progress()
    table = campaignd("spring")
    assert (table.returncode, table.stderr) == (0, "")
    assert "Spring: running, 3 contacts" in table.stdout
    (row,) = [line for line in table.stdout.splitlines() if MOSCOW in line]
    assert "trunk main's limit of 1 calls at once is reached" in row
    printed = json.loads(campaignd("Spring", "--json").stdout)
    assert (printed["campaign"]["slug"], printed["worked"], printed["tasks"]) == ("spring", True, 3)
    assert [(one["reason"], one["tasks"]) for one in printed["reasons"]] == [
        ("completed", 1),
        ("in_progress", 1),
        ("trunk_concurrent", 1),
    ]


def test_a_task_is_explained_by_id_and_by_number(in_process: Run, states: States) -> None:
    task = states.task(MOSCOW)
    states.campaign(status="draft")
    states.forbid(MOSCOW, reason="asked\x1b[31m us")
    text = in_process("spring", "--number", "8 495 123-00-13")
    assert text.stdout.splitlines() == [
        f"{MOSCOW} in Spring, task {task}",
        "  on everybody's do-not-call list (asked [31m us)",
    ]
    printed = json.loads(in_process("spring", "--task", str(task), "--json").stdout)
    assert (printed["task"]["id"], printed["not_before"]) == (str(task), None)
    assert [one["reason"] for one in printed["reasons"]] == ["do_not_call"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["summer"], "campaignd: No campaign with the slug, id or name 'summer'"),
        (["spring", "--number", "+79459999999"], "campaignd: Spring has no contact with the number +79459999999"),
        (["spring", "--number", "x"], "campaignd: Not a phone number: x"),
        (["spring", "--task", str(SPRING)], f"campaignd: Spring has no task {SPRING}"),
        (["spring", "--task", str(SPRING), "--number", "1"], "campaignd: Name a task or a number, not both."),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(in_process: Run, arguments: list[str], said: str) -> None:
    refused = in_process(*arguments)
    assert (refused.returncode, refused.stdout, refused.stderr.splitlines()[-1]) == (2, "", said)


def test_help_has_an_example() -> None:
    command = [sys.executable, "-m", "supervisor", "explain", "--help"]
    said = subprocess.run(command, text=True, capture_output=True, check=True).stdout
    assert "campaignd explain spring" in said.split("Example:")[1]
    assert "--config" in said


@pytest.mark.parametrize(("many", "contact_local_time"), [(50_000, False), (10_000, True)])
def test_a_big_campaign_is_explained_within_seconds(states: States, many: int, contact_local_time: bool) -> None:
    states.campaign(
        daily_start_time="09:00", daily_end_time="21:00", contact_local_time=contact_local_time, max_concurrent_calls=5
    )
    states.company(max_attempts_per_day=3)
    states.connection.execute(
        "INSERT INTO call_tasks (id, campaign_id, phone_number, status, due, outcome, next_attempt_at, created_at,"
        " updated_at) SELECT gen_random_uuid(), %(campaign)s, '+7495' || (1230000 + n)::text,"
        " CASE WHEN n %% 5 = 0 THEN 'retry' ELSE 'pending' END, n %% 5 > 0, CASE WHEN n %% 5 = 0 THEN 'busy' END,"
        " CASE WHEN n %% 5 = 0 THEN %(now)s + n * interval '1 ms' END, %(now)s + n * interval '1 us', %(now)s"
        " FROM generate_series(1, %(many)s) n",
        {"campaign": SPRING, "now": NOW, "many": many},
    )
    states.connection.execute("ANALYZE call_tasks")
    (last,) = states.connection.execute(
        "SELECT id FROM call_tasks ORDER BY created_at DESC OFFSET 1 LIMIT 1"
    ).fetchone()  # type: ignore[misc]
    began = time.perf_counter()
    counts = states.counts()
    counted = time.perf_counter() - began
    began = time.perf_counter()
    assert states.reasons(last) == [Reason.BEHIND]
    exact = time.perf_counter() - began
    assert counts == {Reason.WAITING_FOR_RETRY: many // 5, Reason.NOTHING: 5, Reason.BEHIND: many * 4 // 5 - 5}
    print(f"\n{many} tasks counted in {counted:.2f} s, the last one explained in {exact:.2f} s")
    assert max(counted, exact) < 10  # measured: 0.4 s, and 0.4 s for those whose places are looked up
