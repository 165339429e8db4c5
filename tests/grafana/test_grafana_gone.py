"""What Grafana shows and who is woken when a service fails, and when there is none any more."""

from __future__ import annotations

import signal
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from supervisor.database.embedded import EmbeddedPostgres
from tests.grafana.files import expressions
from tests.grafana.observed import Observed, observed
from tests.waiting import wait_until


def test_a_service_that_fails_and_one_that_is_gone_are_told(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE gone")
        with observed(tmp_path, make_conninfo(postgres.dsn, dbname="gone")) as seen:
            fail_and_die(seen)
        connection.execute("DROP DATABASE gone WITH (FORCE)")


def fail_and_die(seen: Observed) -> None:
    seen.outage({"SIP": {"mode": "http", "status": 503}})
    wait_until(lambda: seen.alert("CampaigndBreakerOpen"), 30, "the alert of a breaker")
    alert = seen.alert("CampaigndBreakerOpen")
    assert alert is not None
    assert alert["labels"]["service"] == "livekit"
    assert alert["annotations"]["summary"] == "livekit fails: campaigns that need it are paused"
    seen.outage({})
    seen.service.signal_group(signal.SIGKILL)
    alert = wait_until(lambda: seen.alert("CampaigndDown"), 30, "the alert of a service that is gone")
    assert "127.0.0.1" in alert["annotations"]["description"]
    assert seen.now(service_panel()) == [-1]


def service_panel() -> str:
    (expr,) = (expr for title, expr in expressions("overview.json") if title == "Service")
    return expr
