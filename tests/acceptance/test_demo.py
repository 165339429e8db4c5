"""`campaignd demo`, from its start to its report. The runs are started together and looked at one by one."""

from __future__ import annotations

import json
import os
import pty
import pwd
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.database.account import temporary_folder
from supervisor.database.embedded import EmbeddedPostgres
from tests.acceptance.running import TRACEBACK, Running, of_folder

CHECKOUT = Path(__file__).parents[2]
CAMPAIGN = {
    "id": str,
    "slug": str,
    "name": str,
    "company": str,
    "status": str,
    "status_message": str | None,
    "status_error": str | None,
    "holds": list,
    "tasks": {"total": int, "pending": int, "in_progress": int, "retry": int, "completed": int, "failed": int},
    "calls": {"total": int, "by_outcome": dict},
    "success_rate": float | None,
    "average_duration_s": float | None,
    "p95_duration_s": float | None,
    "cost": {
        "amount": float | None,
        "currency": str | None,
        "per_call": float | None,
        "per_success": float | None,
    },
}
"""The shape of operations.md, "Command line"."""


@pytest.fixture(scope="module")
def json_demo() -> Iterator[Running]:
    with Running("demo", "--json", "--contacts", 60, "--speed", 150) as running:
        yield running


@pytest.fixture(scope="module")
def foreign_demo() -> Iterator[Running | None]:
    """The demo of an ordinary user without a home, in a checkout whose folder's name is not plain; None when every
    Python here is closed to such a user."""
    with temporary_folder() as folder:
        checkout = folder / "мой checkout, ‘v1’"
        for part in ("supervisor", "actors", "config", "migrations"):
            shutil.copytree(CHECKOUT / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
        packages = sysconfig.get_path("purelib")
        options: dict[str, Any] = {"cwd": checkout, "env": {"PATH": os.defpath, "PYTHONPATH": packages}}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            options |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        program = _usable_python(options)
        if program is None:
            yield None
            return
        command = (program, "-m", "supervisor")
        with Running("demo", "--json", "--contacts", 9, "--speed", 200, command=command, **options) as running:
            yield running


def _usable_python(options: dict[str, Any]) -> str | None:
    """This Python, or else the system's of the same version: that of a developer may lie in /root."""
    others = shutil.which(f"python3.{sys.version_info.minor}", path="/usr/local/bin:/usr/bin")
    for program in (sys.executable, others):
        try:
            if program and subprocess.run([program, "-c", "import psycopg"], check=False, **options).returncode == 0:
                return program
        except PermissionError:
            continue
    return None


@pytest.fixture(scope="module")
def kept_demo() -> Iterator[tuple[Running, Path]]:
    with temporary_folder() as folder:
        kept = folder / "kept demo"
        with Running("demo", "--contacts", 9, "--speed", 200, "--keep", kept) as running:
            yield running, kept


@pytest.fixture(scope="module", autouse=True)
def _all_at_once(json_demo: Running, foreign_demo: Running | None, kept_demo: tuple[Running, Path]) -> None:
    """Start them beside each other."""


def test_json_is_one_object_of_the_documented_shape(json_demo: Running) -> None:
    folder = json_demo.server_folder().parents[2]
    assert (json_demo.end(60), json_demo.err) == (0, "")
    assert json_demo.out.count("\n") == 1
    printed = json.loads(json_demo.out)
    assert list(printed) == ["campaigns"]
    assert len(printed["campaigns"]) == 3
    outcomes: set[str] = set()
    for campaign in printed["campaigns"]:
        _check_shape(campaign, CAMPAIGN)
        tasks, calls = campaign["tasks"], campaign["calls"]
        assert campaign["status"] == "completed"
        assert tasks["total"] == 20
        assert (tasks["pending"], tasks["in_progress"], tasks["retry"]) == (0, 0, 0)
        assert tasks["completed"] + tasks["failed"] == tasks["total"]
        assert calls["total"] == sum(calls["by_outcome"].values()) >= tasks["total"]
        outcomes |= calls["by_outcome"].keys()
    assert {"answered", "busy", "no_answer", "invalid_number"} <= outcomes
    assert sum(campaign["calls"]["total"] for campaign in printed["campaigns"]) > 60, "nobody was called again"
    assert not folder.exists()
    assert of_folder(folder) == []
    assert json_demo.session() == []


def test_it_runs_as_an_ordinary_user_in_a_folder_of_any_name(foreign_demo: Running | None) -> None:
    if foreign_demo is None:
        pytest.skip(f"{sys.executable} is closed to ordinary users, and the system has none of its version")
    assert (foreign_demo.end(60), foreign_demo.err) == (0, "")
    assert [campaign["status"] for campaign in json.loads(foreign_demo.out)["campaigns"]] == ["completed"] * 3
    assert foreign_demo.session() == []


def test_a_kept_demo_can_be_looked_at_and_run_again(kept_demo: tuple[Running, Path]) -> None:
    running, kept = kept_demo
    configuration = kept / "config" / "campaignd.toml"
    assert (running.end(60), running.err) == (0, "")
    assert "3 of 3 campaigns completed" in running.out
    assert f"campaignd report spring --config '{configuration}'" in running.out
    assert of_folder(kept) == []
    with (
        Running("demo", "--contacts", 9, "--keep", kept) as again,
        Running("check", "--config", configuration) as check,
    ):
        assert (again.end(), again.err) == (0, "")
        assert "3 of 3 campaigns completed" in again.out
        assert check.end() == 0
    with (
        EmbeddedPostgres(kept / "config" / "state" / "postgresql"),
        Running("status", "--json", "--config", configuration) as status,
    ):
        assert (status.end(), status.err) == (0, "")
        assert [campaign["tasks"]["total"] for campaign in json.loads(status.out)["campaigns"]] == [3, 3, 3]


def test_a_terminal_shows_bars_while_it_runs_and_then_the_report() -> None:
    leader, follower = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), follower)
    with Running("demo", "--contacts", 9, "--speed", 150, env=environment, **streams) as running:
        os.close(follower)
        shown = _read_to_the_end(leader)
        assert running.end() == 0
    assert TRACEBACK not in shown
    for text in ("starting PostgreSQL", "waits until 08:05", "on the phone", "completed"):
        assert text in shown
    report = shown[shown.index("3 of 3 campaigns completed") :]
    assert "All campaigns" in report
    assert "answered" in report
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "\n").split("\n")
    assert max(map(len, lines)) <= 80


def _read_to_the_end(terminal: int) -> str:
    """All that is written to it until nobody has it open any more."""
    shown = b""
    try:
        while piece := os.read(terminal, 1 << 16):
            shown += piece
    except OSError:  # how Linux says so
        pass
    os.close(terminal)
    return shown.decode()


def _check_shape(value: Any, shape: Any) -> None:
    if isinstance(shape, dict):
        assert value.keys() == shape.keys()
        for key, inner in shape.items():
            _check_shape(value[key], inner)
    else:
        assert isinstance(value, shape), f"{value!r} is not of {shape}"
