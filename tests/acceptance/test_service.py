"""`campaignd run` against a database, and a LiveKit in another process."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from urllib.request import urlopen

import psycopg
import pytest

from actors.jobs.call_lists.ledger import Tasks
from supervisor.database.account import temporary_folder
from supervisor.database.embedded import running_server
from supervisor.database.migrations import migrate
from supervisor.overview.words import NOBODY_CALLS
from tests.acceptance.running import TRACEBACK, Running, of_folder
from tests.acceptance.setting import Setting
from tests.ports import free_port
from tests.waiting import wait_until

TALKER = "+79450000101"
"""Answers, and does not stop talking."""


@pytest.fixture
def database(setting: Setting) -> Iterator[psycopg.Connection]:
    migrate(setting.dsn)
    with psycopg.connect(setting.dsn, autocommit=True) as connection:
        yield connection


def test_it_calls_everyone_and_stops_in_order(setting: Setting, database: psycopg.Connection) -> None:
    numbers = [f"+794500002{ending:02}" for ending in (1, 2, 3, 4, 70, 83, 89, 90, 93)]
    setting.campaign("spring", "Spring renewals", numbers)
    with setting.service() as service:
        assert setting.get("/healthz")[0] == 200
        wait_until(lambda: _status(database, "spring") == "completed", 30, "the campaign to be completed")
        rings = [ring for ring in setting.rings() if ring["number"] in numbers]
        assert {ring["number"] for ring in rings} == set(numbers)
        assert len({ring["room"] for ring in rings}) == len(rings) == _calls(database, "spring", "ended") > len(numbers)
        code, metrics = setting.get("/metrics")
        assert code == 200
        assert 'campaignd_calls_ended_total{campaign="spring",company="acme",outcome="busy",trunk="main"}' in metrics
        accepted = re.search(r'^campaignd_webhooks_total\{[^}]*"accepted"\} (\S+)$', metrics, re.MULTILINE)
        assert accepted is not None, metrics
        assert float(accepted[1]) >= len(numbers), "LiveKit's webhooks did not arrive"
        service.signal_group(signal.SIGHUP)
        wait_until(lambda: "configuration_reloaded" in service.err, 10)
        service.signal_group(signal.SIGTERM)
        assert service.end(20) == 0
        assert TRACEBACK not in service.err
        assert "service_ready" in service.err
        assert "stopped" in service.err
        assert numbers[0] not in service.err, "a phone number in the log"
        assert service.session() == []


def test_it_stops_while_a_list_waits_for_another_import_of_its_campaign(
    setting: Setting, database: psycopg.Connection
) -> None:
    setting.campaign("winter", "Winter", ["+79450000401"])
    with (setting.folder / "campaigns.d" / "winter.toml").open("a") as file:
        file.write("[schedule]\nstart_time = 2099-01-01T00:00:00+00:00\n")
    with setting.service() as service, psycopg.connect(setting.dsn) as other:
        row = database.execute("SELECT id FROM campaigns WHERE slug = 'winter'").fetchone()
        assert row is not None
        assert Tasks(other, row[0]).lock(pytest.fail) is not None
        with (setting.folder / "winter.csv").open("a") as call_list:
            call_list.write("+79450000402\n")
        service.signal_group(signal.SIGHUP)
        waiting = "SELECT FROM pg_stat_activity WHERE query ~ 'try_advisory|pg_sleep' AND pid <> pg_backend_pid()"
        wait_until(lambda: database.execute(waiting).rowcount, 20, "the import to wait")
        service.signal_group(signal.SIGTERM)
        assert service.end(20) == 0
        assert "calls_left=0" in service.err
        assert TRACEBACK not in service.err
    assert database.execute("SELECT total_tasks FROM campaigns WHERE slug = 'winter'").fetchone() == (1,)


def test_sigterm_waits_for_calls_in_progress_and_begins_no_more(setting: Setting, database: psycopg.Connection) -> None:
    # Ten minutes of talking, of which the simulator makes ten seconds: more than a signal takes, less than a drain may.
    numbers = [f"+7945000030{ending}" for ending in range(9)]
    setting.script({number: {"kind": "answer", "ring_s": 1, "talk_s": 600} for number in numbers})
    setting.campaign("summer", "Summer", numbers, "max_concurrent_calls = 3")
    with setting.service() as service:
        wait_until(lambda: _calls(database, "summer", "answered") == 3, 20)
        service.signal_group(signal.SIGTERM)
        assert service.end(20) == 0
    assert _calls(database, "summer", "answered") == _calls(database, "summer", "dialing") == 0
    assert _calls(database, "summer", "ended") == 3
    assert len([ring for ring in setting.rings() if ring["number"] in numbers]) == 3, "somebody was called after it"


def test_a_second_sigterm_does_not_wait(setting: Setting, database: psycopg.Connection) -> None:
    setting.script({TALKER: {"kind": "answer", "ring_s": 1, "talk_s": 100_000}})
    setting.campaign("endless", "Endless", [TALKER])
    with setting.service() as service:
        wait_until(lambda: _calls(database, "endless", "answered"), 20)
        service.signal_group(signal.SIGTERM)
        wait_until(lambda: "stopping" in service.err, 5)
        assert setting.get("/readyz")[0] == 503
        assert not service.ended
        service.signal_group(signal.SIGTERM)
        assert service.end(5) == 0
        assert TRACEBACK not in service.err


def test_commands_join_the_database_of_a_service_that_keeps_its_own() -> None:
    with temporary_folder() as folder:
        (folder / "campaigns.d").mkdir()
        configuration = folder / "campaignd.toml"
        configuration.write_text('[service]\nstate_directory = "state"\n[http]\nlisten = "127.0.0.1:0"\n')
        environment = {"PATH": "/usr/bin:/bin", "LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "a-secret" * 4}
        with Running("run", "--config", configuration, env=environment) as service:
            wait_until(lambda: "service_ready" in service.err, 30)
            assert running_server(folder / "state" / "postgresql") is not None
            with Running("status", "--config", configuration, env=environment) as status:
                assert (status.end(), status.out, status.err) == (0, "No campaigns.\n", "")
            assert running_server(folder / "state" / "postgresql") is not None, (
                "the command stopped the service's server"
            )
            with Running("run", "--config", configuration, env=environment) as second:
                assert second.end() == 1
                assert second.err.count("\n") == 1
                assert "another campaignd is using the embedded PostgreSQL" in second.err
            service.signal_group(signal.SIGTERM)
            assert service.end(20) == 0
        assert of_folder(folder) == []
        with Running("status", "--config", configuration, env=environment) as alone:
            assert (alone.end(), alone.out, alone.err) == (0, f"No campaigns.\n{NOBODY_CALLS}\n", "")
        assert of_folder(folder) == []


def test_its_own_postgresql_that_was_killed_is_started_again() -> None:
    with temporary_folder() as folder:
        (folder / "campaigns.d").mkdir()
        configuration, server = folder / "campaignd.toml", folder / "state" / "postgresql"
        port = free_port()
        configuration.write_text(f'[service]\nstate_directory = "state"\n[http]\nlisten = "127.0.0.1:{port}"\n')
        environment = {"PATH": "/usr/bin:/bin", "LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "a-secret" * 4}

        def is_connected() -> bool:
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as metrics:
                return b"campaignd_database_connected 1.0" in metrics.read()

        with Running("run", "--config", configuration, env=environment) as service:
            wait_until(lambda: "service_ready" in service.err, 30)
            wait_until(is_connected, 10)
            os.kill(int((server / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            wait_until(lambda: "listener_lost" in service.err, 10, "the service to notice")
            wait_until(is_connected, 30, "the service to have its PostgreSQL again")
            assert "embedded_postgresql_died" in service.err
            service.signal_group(signal.SIGTERM)
            assert service.end(30) == 0
        assert of_folder(folder) == []


def test_without_secrets_it_says_so_in_a_line(setting: Setting) -> None:
    environment = {name: value for name, value in setting.environment.items() if "LIVEKIT" not in name}
    with Running("run", "--config", setting.configuration, env=environment) as service:
        assert service.end() == 2
        assert service.err.count("\n") == 1
        assert "LIVEKIT_API_KEY" in service.err


def _status(database: psycopg.Connection, slug: str) -> str | None:
    row = database.execute("SELECT status FROM campaigns WHERE slug = %s", (slug,)).fetchone()
    return None if row is None else row[0]


def _calls(database: psycopg.Connection, slug: str, state: str) -> int:
    query = "SELECT count(*) FROM calls JOIN campaigns p ON p.id = campaign_id WHERE p.slug = %s AND state = %s"
    row = database.execute(query, (slug, state)).fetchone()
    assert row is not None
    count: int = row[0]
    return count
