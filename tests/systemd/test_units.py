"""The units are right, and let the service do no more than it needs: systemd itself is asked, nothing is started."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.machine import program
from tests.systemd.installed import REPOSITORY

UNITS = REPOSITORY / "systemd"
MOST_EXPOSED = 15
"""In tenths; a unit without any protection has 96."""


@pytest.mark.parametrize("name", ["campaignd.service", "campaignd@.service"])
def test_systemd_finds_nothing_wrong_with_a_unit(name: str, tmp_path: Path) -> None:
    anything = tmp_path / "campaignd"
    anything.write_text("#!/bin/sh\n")
    anything.chmod(0o755)
    unit = tmp_path / name.replace("@", "@east")
    unit.write_text((UNITS / name).read_text().replace("/opt/campaignd/bin/campaignd", str(anything)))
    assert _said("verify", "--man=no", str(unit)) == (0, "")


@pytest.mark.parametrize("name", ["campaignd.service", "campaignd@.service"])
def test_a_unit_is_hardly_exposed(name: str) -> None:
    code, said = _said("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", str(UNITS / name))
    assert code == 0, said


def test_an_instance_differs_from_the_only_service_by_its_file_alone() -> None:
    one, several = (_settings(UNITS / name) for name in ("campaignd.service", "campaignd@.service"))
    several = [line.replace("/etc/campaignd/%i.toml", "/etc/campaignd/campaignd.toml") for line in several]
    assert [line.replace("campaignd %i:", "campaignd:") for line in several] == one


@pytest.mark.parametrize("name", ["campaignd.service", "campaignd@.service"])
def test_a_transcriber_killed_for_its_memory_does_not_take_the_service_with_it(name: str) -> None:
    assert "OOMPolicy=continue" in _settings(UNITS / name), "by default systemd ends all processes of the unit"


@pytest.mark.parametrize("name", ["campaignd.service", "campaignd@.service"])
def test_a_start_that_fails_is_tried_again_however_long_postgresql_is_away(name: str) -> None:
    settings = _settings(UNITS / name)
    assert {"Restart=always", "StartLimitIntervalSec=0"} <= set(settings), "systemd gives up after so many starts"
    assert "RestartPreventExitStatus=2" in settings, "a wrong file is read again and again"


@pytest.mark.parametrize("name", ["campaignd.service", "campaignd@.service"])
def test_nobody_is_called_by_a_clock_that_is_not_right_yet(name: str) -> None:
    (order,) = (line for line in _settings(UNITS / name) if line.startswith("After="))
    assert "time-sync.target" in order, "a machine that boots with a wrong clock calls people at night"


def _said(*arguments: str) -> tuple[int, str]:
    command = [program("systemd-analyze"), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def _settings(unit: Path) -> list[str]:
    return [line for line in unit.read_text().splitlines() if line and not line.startswith("#")]
