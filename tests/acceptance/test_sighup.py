"""SIGHUP: a service that runs reads its files again; `campaignd plan` says beforehand what that would change."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.database.migrations import migrate
from tests.acceptance.running import TRACEBACK, Running
from tests.acceptance.setting import Setting
from tests.waiting import wait_until

TALKER = "+79450000101"
"""Answers, and does not stop talking."""


@pytest.fixture(scope="module")
def service(setting: Setting) -> Iterator[Running]:
    migrate(setting.dsn)
    setting.script({TALKER: {"kind": "answer", "ring_s": 1, "talk_s": 80_000}})
    setting.campaign("spring", "Spring renewals", [TALKER])
    with setting.service() as service:
        wait_until(lambda: _metric(setting, "campaignd_calls_started_total") == 1, 20, "the call to begin")
        yield service
        assert TRACEBACK not in service.err


@pytest.fixture
def spring(setting: Setting, service: Running) -> Iterator[Path]:
    """The campaign's file. What a test has made of it is undone."""
    file = setting.folder / "campaigns.d" / "spring.toml"
    usual = file.read_text()
    yield file
    file.write_text(usual)
    _reload(service)


def test_what_plan_announces_is_what_sighup_does(setting: Setting, service: Running, spring: Path) -> None:
    assert setting.done("plan") == (0, "nothing would change\n", "")
    _limit(spring, 20)
    (setting.folder / "spring.csv").write_text(f"phone_number\n{TALKER}\n+79450000283\n")
    code, planned, _ = setting.done("plan")
    assert code == 0
    line, of_the_list = planned.splitlines()
    assert line == "campaign spring: limits.calls_per_minute none → 20"
    assert of_the_list.startswith("campaign spring: ") and "only numbers that are new" in of_the_list
    as_json = json.loads(setting.done("plan", "--json")[1])
    assert [change["key"] for change in as_json["changes"]] == ["limits.calls_per_minute"]
    assert [changed["campaign"] for changed in as_json["call_lists"]] == ["spring"]

    _reload(service)
    assert line in service.err
    wait_until(lambda: "call_list_imported" in service.err.rpartition("configuration_reloaded")[2], 20)
    wait_until(lambda: _metric(setting, "campaignd_calls_started_total") == 2, 20, "the added contact to be called")
    assert setting.done("plan") == (0, "nothing would change\n", "")
    assert len([ring for ring in setting.rings() if ring["number"] == TALKER]) == 1


def test_after_a_mistake_everything_goes_on_as_it_was(setting: Setting, service: Running, spring: Path) -> None:
    good = spring.read_text()
    spring.write_text(good.replace('company = "acme"', 'company = "acne"') + "color = 3\n")
    assert setting.done("plan")[0] == 2
    _reload(service, "configuration_refused")
    wait_until(lambda: "acne" in service.err and "color" in service.err, 5, "every mistake to be told")
    assert _metric(setting, "campaignd_config_last_reload_successful") == 0
    wait_until(lambda: _metric(setting, "campaignd_calls_in_progress") == 1, what="the added contact's call to end")
    assert setting.get("/readyz")[0] == 200
    spring.write_text(good)
    _reload(service)
    assert _metric(setting, "campaignd_config_last_reload_successful") == 1
    assert _metric(setting, 'campaignd_config_reloads_total{result="refused"}') == 1


def test_the_level_of_the_log_changes_with_a_reload(setting: Setting, service: Running, spring: Path) -> None:
    file = setting.configuration
    usual = file.read_text()
    file.write_text(usual + '[logging]\nlevel = "error"\n')
    _reload(service)
    assert "logging.level info → error" in service.err
    silent_from = len(service.err)
    _limit(spring, 21)
    service.signal_group(signal.SIGHUP)
    limit = 'campaignd_limit_calls{campaign="spring",company="acme",per="minute"}'
    wait_until(lambda: _metric(setting, limit) == 21)
    assert service.err[silent_from:] == ""
    file.write_text(usual)
    applied = 'campaignd_config_reloads_total{result="applied"}'
    before = _metric(setting, applied)
    service.signal_group(signal.SIGHUP)
    wait_until(lambda: _metric(setting, applied) > before)
    _reload(service)


def _limit(spring: Path, calls_per_minute: int) -> None:
    """Have the campaign's file say so."""
    unlimited = spring.read_text().partition("[limits]")[0]
    spring.write_text(f"{unlimited}[limits]\ncalls_per_minute = {calls_per_minute}\n")


def _reload(service: Running, until: str = "configuration_reloaded") -> None:
    """Send the signal and wait until the log has this once more."""
    before = service.err.count(until)
    service.signal_group(signal.SIGHUP)
    wait_until(lambda: service.err.count(until) > before, 10, until)


def _metric(setting: Setting, name: str) -> float:
    """The sum over its series, or the one series that is named with its labels."""
    _, metrics = setting.get("/metrics")
    pattern = rf"^{re.escape(name)}{'' if '{' in name else '(?:{[^}]*})?'} (\S+)$"
    return sum(float(value) for value in re.findall(pattern, metrics, re.MULTILINE))
