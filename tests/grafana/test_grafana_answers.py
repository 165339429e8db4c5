"""Every panel and every rule, answered by a real Prometheus that watches the real service while it calls, while a
service fails, and while its files are wrong."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from supervisor.database.embedded import EmbeddedPostgres
from tests.acceptance.running import Running
from tests.grafana.files import Rule, dashboards, expressions, rules, selectors, substituted
from tests.grafana.observed import Observed, observed
from tests.waiting import wait_until

ALERTS = [rule for rule in rules() if rule.is_alert]
ASKED = [(name, title, expr) for name in sorted(dashboards()) for title, expr in expressions(name)]


@pytest.fixture(scope="module")
def seen(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    """A service that has called, lost LiveKit, found it again, holds a campaign, and was given a wrong file."""
    folder = tmp_path_factory.mktemp("observed")
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE observed")
        with observed(folder, make_conninfo(postgres.dsn, dbname="observed")) as seen:
            go_through_a_day(seen)
            yield seen
        connection.execute("DROP DATABASE observed WITH (FORCE)")


def go_through_a_day(seen: Observed) -> None:
    command(seen, "pause", "deliveries", "--reason", "a test")
    reached = 'sum(campaignd_calls_ended_total{campaign="spring",outcome="answered"}) > 10'
    wait_until(lambda: seen.now(reached), 40, "people to be reached")
    seen.outage({"SIP": {"mode": "http", "status": 503}})
    wait_until(lambda: seen.now('campaignd_breaker_state{service="livekit",state="open"} == 1'), 30, "a breaker")
    seen.outage({})
    wait_until(lambda: seen.now('campaignd_breaker_state{service="livekit",state="closed"} == 1'), 30, "it to close")
    wait_until(lambda: seen.now("sum(campaignd_recording_download_seconds_count) > 0"), 30, "a recording")
    # Tasks are counted every 15 s.
    could_dial = 'campaign:campaignd_may_dial:bool{campaign="spring"} == 1'
    wait_until(lambda: seen.now(could_dial), 40, "the tasks to be counted")


def command(seen: Observed, *arguments: str) -> None:
    with Running(*arguments, "--config", seen.folder / "campaignd.toml") as done:
        assert done.end() == 0, done.err


@pytest.mark.parametrize(("name", "title", "expr"), ASKED, ids=[f"{name}-{title}" for name, title, _ in ASKED])
def test_a_panel_is_answered_with_numbers(seen: Observed, name: str, title: str, expr: str) -> None:
    campaign = "spring" if name == "campaign.json" and title != "Held by" else ".*"
    assert seen.now(substituted(expr, campaign)), expr


def test_prometheus_evaluates_every_rule(seen: Observed) -> None:
    evaluated = {rule["name"]: rule for group in seen.asked("rules")["groups"] for rule in group["rules"]}
    assert evaluated.keys() == {rule.name for rule in rules()}
    assert not [rule for rule in evaluated.values() if rule["health"] != "ok"]


@pytest.mark.parametrize("rule", [rule for rule in rules() if not rule.is_alert], ids=lambda rule: rule.name)
def test_a_recorded_series_has_numbers(seen: Observed, rule: Rule) -> None:
    assert seen.now(rule.name)
    assert seen.now(rule.expr)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_everything_that_an_alert_compares_has_numbers(seen: Observed, alert: Rule) -> None:
    """An alert that does not fire is answered with nothing: so each series that it asks for is asked for apart."""
    for selector in selectors(alert.expr):
        assert seen.now(selector.prettify()), selector.prettify()


def test_conditions_of_alerts_meet_as_their_labels_are(seen: Observed) -> None:
    """Turned round: a campaign that has just dialed has all that the alert asks for but the silence."""
    for name, silent in (("CampaigndNotDialing", "> 60"), ("CampaigndPaceUnderLimit", "< 0.5")):
        (expr,) = (alert.expr for alert in ALERTS if alert.name == name)
        assert silent in expr
        turned = expr.replace(silent, silent.replace("> 60", "<= 60").replace("< 0.5", "<= 1"))
        turned = turned.replace("utilisation:max < 1", "utilisation:max <= 1").replace("[15m]", "[2s]")
        assert seen.now(turned), turned
    assert seen.now("max by (job, company, campaign) (campaignd_abandon_ratio)"
                    " < max by (job, company, campaign) (campaignd_abandon_limit_ratio) + 1")  # fmt: skip
