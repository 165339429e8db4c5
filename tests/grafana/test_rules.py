"""Recording and alert rules: clean, tested, and of use to whoever is woken."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import click
import pytest

from supervisor import house
from supervisor.cli import campaignd
from tests.grafana.files import FOLDER, Rule, read, rules
from tests.machine import program

ALERTS = [rule for rule in rules() if rule.is_alert]


def files(folder: str) -> list[Path]:
    found = sorted((FOLDER / folder).glob("*.yml"))
    assert found
    return found


def run(*arguments: object) -> str:
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    assert f"{len(ALERTS)} rules found" in run(program("promtool"), "check", "rules", "--lint=all", *files("rules"))


def test_every_alert_fires_when_it_must_and_only_then() -> None:
    run(program("promtool"), "test", "rules", *files("tests"))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_is_tested_firing_and_not_firing(alert: Rule) -> None:
    cases = [case for file in files("tests") for case in read(file)["tests"] if alert.name in str(case)]
    asked = [test for case in cases for test in case["promql_expr_test"] if alert.name in test["expr"]]
    assert any(test.get("exp_samples") for test in asked), "never firing"
    # Either nothing fires at a moment, or one of several instances, campaigns, … of the same case does.
    others = [test for test in asked if not test.get("exp_samples")]
    several = any(len(names) > 1 for case in cases for names in labels(case).values())
    assert others or several, "never not firing"


def labels(case: dict[str, list[dict[str, str]]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for series in case["input_series"]:
        for name, value in re.findall(r'(instance|campaign|company|kind|service)="([^"]+)"', series["series"]):
            found.setdefault(name, set()).add(value)
    return found


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_what_it_means_what_to_look_at_and_what_to_do(alert: Rule) -> None:
    assert alert.labels["severity"] in ("critical", "warning")
    assert alert.annotations["summary"] and alert.annotations["description"]
    runbook = alert.annotations["runbook"]
    means, look, do = (runbook.index(f"{word}: ") for word in ("Means", "Look at", "Do"))
    assert means < look < do
    assert re.search(r"`(campaignd|systemctl|journalctl) ", runbook), "no command in it"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_the_commands_in_a_runbook_exist(alert: Rule) -> None:
    for words in re.findall(r"`campaignd ([^`]+)`", alert.annotations["runbook"]):
        command: click.Command = campaignd
        for word in words.split():
            if isinstance(command, click.Group):
                found = command.get_command(click.Context(command), word)
                assert found is not None, f"campaignd {words}"
                command = found
            elif word.startswith("--"):
                options = {name for parameter in command.params for name in parameter.opts}
                assert word in options, f"campaignd {words}"


def test_who_is_given_up_is_told_with_the_event_of_each_kind() -> None:
    (alert,) = (alert for alert in ALERTS if alert.name == "CampaigndQuarantined")
    events = re.findall(r'\.error\(\s*"(\w+)"', Path(house.__file__).read_text("utf-8"))
    assert len(events) == 4, "of the kinds that are not campaigns"
    for event in ("campaign_quarantined", *events):
        assert f"({event})" in alert.annotations["runbook"]


def test_the_examples_for_prometheus_and_its_alertmanager_are_valid() -> None:
    run(program("promtool"), "check", "config", FOLDER / "prometheus.yml")
    run(program("amtool"), "check-config", FOLDER / "alertmanager.yml")
