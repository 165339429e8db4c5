"""`campaignd verify` against the real service: all is well, it is slow, a service fails, it fails already."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.acceptance.running import Running
from tests.acceptance.setting import Setting
from tests.waiting import wait_until

_VERIFY = """
[verify]
numbers = "+79450000000-+79450000999"
trunk = "main"
agent_name = "renewals-agent"
[breaker]
open_s = 1000
max_open_s = 1000
"""
_AT_ONCE = 40
"""Fewer than the check calls: what LiveKit is told meanwhile must concern somebody."""


@pytest.fixture(scope="module")
def speed() -> int:
    """A call of the check may last a minute: those that begin at once must all find their agents in it."""
    return 10


@pytest.fixture(scope="module")
def verified(setting: Setting) -> Iterator[Setting]:
    """A set-up whose service may be verified, and runs."""
    configuration = setting.configuration
    before, trunk, after = configuration.read_text().partition("[trunks.main]\n")
    assert trunk, "the set-up's trunk has another name"
    text = f"{before}{trunk}max_concurrent_calls = {_AT_ONCE}\n{after}{_VERIFY}"
    file = configuration.with_name("verified.toml")
    file.write_text(text)
    environment = {**setting.environment, "CAMPAIGND_HTTP_TOKEN": "a-token", "CAMPAIGND_CONFIG": str(file)}
    made = replace(setting, environment=environment)
    with Running("migrate", env=environment) as migrating:
        assert migrating.end() == 0, migrating.err
    with Running("run", env=environment) as service:
        wait_until(lambda: service.ended or setting.get("/readyz")[0] == 200, 30, "the service to be ready")
        assert not service.ended, service.err
        yield made


def verify(setting: Setting, *arguments: object) -> tuple[int, dict[str, Any]]:
    with Running("verify", "--json", *arguments, env=setting.environment) as command:
        code = command.end(200)
        assert command.out, command.err
        report: dict[str, Any] = json.loads(command.out)
    assert report["left_behind"] == []
    assert campaigns(setting) == 0, "it left something behind"
    return code, report


def campaigns(setting: Setting) -> int:
    with psycopg.connect(setting.dsn) as connection:
        row = connection.execute("SELECT count(*) FROM campaigns").fetchone()
    assert row is not None
    return int(row[0])


def everybody(setting: Setting, **behaviour: object) -> None:
    setting.script({f"+7945000{n:04}": [behaviour] for n in range(1000)})


@contextmanager
def verifying(setting: Setting, *arguments: object) -> Iterator[Running]:
    with Running("verify", "--json", *arguments, env=setting.environment) as command:
        yield command


def test_all_campaigns_finish(verified: Setting) -> None:
    everybody(verified, kind="answer", ring_s=5, talk_s=20)
    code, report = verify(verified, "--campaigns", 5, "--leads", 20)
    assert (code, report["verdict"], report["why"]) == (0, "finished", "every campaign has finished")
    assert (report["settled"], report["total"], report["warnings"]) == (100, 100, [])
    assert report["outcomes"] == {"answered": 100}
    assert {seen["status"] for seen in report["history"]} >= {"COMPLETED"}
    with Running("verify", "--campaigns", 1, "--leads", 2, env=verified.environment) as command:
        assert command.end(60) == 0, command.err
        assert "2 of 2 contacts settled" in command.out
        assert "Calls ended: answered 2." in command.out
        assert command.out.endswith("Finished: every campaign has finished\n")


def test_a_slow_run_says_that_no_service_failed(verified: Setting) -> None:
    everybody(verified, kind="answer", ring_s=20, talk_s=3000)
    code, report = verify(verified, "--campaigns", 2, "--leads", 100, "--timeout", 1)
    assert (code, report["verdict"], report["services"]) == (1, "check_failed", {})
    assert report["why"] == f"{report['settled']} of 200 contacts in 1 s: it was slow, no service failed"


def test_who_is_stopped_removes_what_it_made(verified: Setting) -> None:
    everybody(verified, kind="answer", ring_s=5, talk_s=300)
    with verifying(verified, "--campaigns", 2, "--leads", 3) as command:
        wait_until(lambda: campaigns(verified) == 2, 20)
        os.kill(command.pid, signal.SIGTERM)
        assert command.end(150) == 1
        assert json.loads(command.out)["why"] == "it was stopped"
    assert campaigns(verified) == 0


def test_it_never_calls_a_stranger(verified: Setting) -> None:
    for arguments, reason in (
        (("--campaigns", 100, "--leads", 20), "numbers has 1000 numbers: not enough for 100 × 20"),
        (("--config", verified.configuration), "[verify] numbers is not set"),
    ):
        assert reason in failing_check(verified, *arguments)


def test_a_check_that_is_not_set_up_does_not_say_that_a_service_failed(verified: Setting) -> None:
    without = {name: value for name, value in verified.environment.items() if name != "CAMPAIGND_HTTP_TOKEN"}
    assert "CAMPAIGND_HTTP_TOKEN" in failing_check(replace(verified, environment=without))
    wrong = verified.folder / "wrong.toml"
    wrong.write_text("[http]\nport = 1\n")
    assert f"{wrong}: http.port" in failing_check(verified, "--config", wrong)


def failing_check(setting: Setting, *arguments: object) -> str:
    """The line that a check ends with that could not begin."""
    with Running("verify", *arguments, env=setting.environment) as command:
        assert command.end() == 1
        assert len(command.err.splitlines()) == 1, command.err
        return command.err


def test_a_service_that_does_not_run_is_reported_as_everything_else(verified: Setting) -> None:
    away = verified.folder / "away.toml"
    running = Path(verified.environment["CAMPAIGND_CONFIG"]).read_text()
    away.write_text(running.replace(verified.http.removeprefix("http://"), "127.0.0.1:1"))
    for arguments in ((), ("--json",)):
        with Running("verify", "--config", away, *arguments, env=verified.environment) as command:
            assert (command.end(), command.err) == (1, "")
            why = "the service at http://127.0.0.1:1 can't be reached: [Errno 111] Connection refused"
            if arguments:
                report = json.loads(command.out)
                assert (report["verdict"], report["why"], report["left_behind"]) == ("check_failed", why, [])
            else:
                assert command.out.endswith(f"Check failed: {why}\n")


def test_a_service_that_fails_in_the_middle_stops_the_run_and_is_warned_of_from_then_on(verified: Setting) -> None:
    everybody(verified, kind="answer", ring_s=5, talk_s=200)
    rung = len(verified.rings())
    with verifying(verified, "--campaigns", 3, "--leads", 60) as command:
        wait_until(lambda: len(verified.rings()) >= rung + 3, 30)
        everybody(verified, kind="refuse", sip_code=503, sip_status="Service Unavailable", after_s=1)
        code = command.end(200)
        report = json.loads(command.out)
    assert (code, report["verdict"]) == (2, "service_failed")
    assert report["services"]["trunk:main"].startswith("open: circuit breaker trunk:main is open since ")
    assert "SIP 503 Service Unavailable" in report["services"]["trunk:main"]
    message = "Paused: circuit breaker trunk:main is open"
    paused = [seen for seen in report["history"] if seen["status"] == "PAUSED" and seen["message"] == message]
    assert paused and all("SIP 503" in seen["error"] for seen in paused)
    assert campaigns(verified) == 0
    code, report = verify(verified, "--campaigns", 1, "--leads", 3)
    assert code == 2
    warned = "trunk:main is failing already: circuit breaker trunk:main is open"
    assert any(warning.startswith(warned) for warning in report["warnings"]), report["warnings"]
