"""`make run` on a machine that has Python and nothing of ours, save that packages come from where these tests run: no
index is asked for any."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.database.account import temporary_folder
from tests.acceptance.running import TRACEBACK, Running, of_folder
from tests.acceptance.terminal import Terminal
from tests.machine import program

CHECKOUT = Path(__file__).parents[2]
PARTS = ("Makefile", "README.md", "pyproject.toml", "requirements.lock")
FOLDERS = ("actors", "config", "migrations", "supervisor", "systemd")
SOON_S = 10
# Not what the `make` of these tests, or this machine's pip, was told.
ENVIRONMENT = {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
WITH_THIS_PYTHON = f"PYTHON={Path(sys.executable).resolve()}"


@pytest.fixture
def make() -> str:
    return program("make")


@pytest.fixture
def checkout(make: str) -> Iterator[Path]:
    """As it was cloned, but that .venv was made already and sees the packages of these tests."""
    with temporary_folder() as folder:
        checkout = folder / "my checkout"
        for name in FOLDERS:
            shutil.copytree(CHECKOUT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__", "state"))
        for name in PARTS:
            shutil.copy(CHECKOUT / name, checkout)
        subprocess.run([make, WITH_THIS_PYTHON, ".venv/.python"], cwd=checkout, env=ENVIRONMENT, check=True)
        (packages,) = checkout.glob(".venv/lib/python*/site-packages")
        (packages / "of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
        yield checkout


def test_make_run_installs_once_and_runs_the_demo_until_ctrl_c_or_its_end(make: str, checkout: Path) -> None:
    command = (make, "run", WITH_THIS_PYTHON)
    with Terminal("ARGS=--contacts 12 --speed 60", command=command, cwd=checkout, env=ENVIRONMENT) as terminal:
        terminal.wait_for("installing into .venv")
        terminal.wait_for("on the phone")
        folder = terminal.command.server_folder()
        terminal.press(b"\x03")
        assert terminal.end(SOON_S) == -signal.SIGINT
        shown = terminal.shown()
        assert "campaignd: interrupted" in shown and TRACEBACK not in shown
        assert terminal.command.session() == []
        assert of_folder(folder) == []
    with Running("ARGS=--json --contacts 9 --speed 300", command=command, cwd=checkout, env=ENVIRONMENT) as again:
        assert (again.end(60), again.err) == (0, "")
        assert [campaign["status"] for campaign in json.loads(again.out)["campaigns"]] == ["completed"] * 3
        assert again.session() == []
