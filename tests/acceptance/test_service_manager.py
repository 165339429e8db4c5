"""What `campaignd run` tells systemd from its start to its end, heard on a real socket."""

from __future__ import annotations

import signal

import psycopg
import pytest

from actors.jobs.call_lists.ledger import Tasks
from supervisor.database.migrations import migrate
from tests.acceptance.running import Running
from tests.acceptance.setting import Setting
from tests.systemd.listening import Listening, Message
from tests.waiting import wait_until

TALKER = "+79450000101"


def _run(setting: Setting, systemd: Listening) -> Running:
    environment = {**setting.environment, "NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "60000000"}
    return Running("run", "--config", setting.configuration, env=environment)


def test_it_says_when_it_is_ready_reloads_drains_and_stops(setting: Setting, systemd: Listening) -> None:
    migrate(setting.dsn)
    setting.script({TALKER: {"kind": "answer", "ring_s": 1, "talk_s": 100_000}})
    setting.campaign("endless", "Endless", [TALKER])
    with _run(setting, systemd) as service:
        wait_until(lambda: _heard(systemd, "READY"), 30)
        assert setting.get("/readyz")[0] == 200
        assert _said(systemd, "EXTEND_TIMEOUT_USEC", "importing the list of endless: 100%")
        wait_until(lambda: _said(systemd, "WATCHDOG", "1 campaign, 1 call in progress"), 30)

        before = len(systemd.heard())
        service.signal_group(signal.SIGHUP)
        wait_until(lambda: _heard(systemd, "READY")[1:], 30)
        assert _names(systemd.heard()[before:], "RELOADING", "READY") == ["RELOADING", "READY"]

        file = setting.folder / "campaigns.d" / "endless.toml"
        usual = file.read_text()
        refused = "; the last reload was refused: the log has why (configuration_refused)"
        for text, told in ((f"color = 3\n{usual}", refused), (usual, "")):
            file.write_text(text)
            before = len(_heard(systemd, "READY"))
            service.signal_group(signal.SIGHUP)
            ready = wait_until(lambda before=before: _heard(systemd, "READY")[before:], 30)  # type: ignore[misc]
            assert ready[-1]["STATUS"] == f"1 campaign, 1 call in progress{told}"
            assert service.err.count("configuration_refused") == 1

        before = len(systemd.heard())
        service.signal_group(signal.SIGTERM)
        wait_until(lambda: _said(systemd, "EXTEND_TIMEOUT_USEC", "draining: 1 call in progress"), 30)
        assert _said(systemd, "WATCHDOG", "draining: 1 call in progress")
        told = _names(systemd.heard()[before:], "STOPPING", "EXTEND_TIMEOUT_USEC")
        assert told[:2] == ["STOPPING", "EXTEND_TIMEOUT_USEC"]
        service.signal_group(signal.SIGTERM)
        assert service.end(20) == 0


def test_a_start_that_waits_for_another_import_asks_for_time_and_hears_that_it_is_to_stop(
    setting: Setting, systemd: Listening
) -> None:
    migrate(setting.dsn)
    setting.campaign("winter", "Winter", [TALKER])
    with (setting.folder / "campaigns.d" / "winter.toml").open("a") as file:
        file.write("[schedule]\nstart_time = 2099-01-01T00:00:00+00:00\n")
    with setting.service() as service:
        service.signal_group(signal.SIGTERM)
        assert service.end(20) == 0
    with (setting.folder / "winter.csv").open("a") as call_list:
        call_list.write("+79450000102\n")
    with psycopg.connect(setting.dsn) as other:
        row = other.execute("SELECT id FROM campaigns WHERE slug = 'winter'").fetchone()
        assert row is not None
        assert Tasks(other, row[0]).lock(pytest.fail) is not None
        with _run(setting, systemd) as service:
            wait_until(lambda: _said(systemd, "EXTEND_TIMEOUT_USEC", "waiting for another import into winter"), 30)
            service.signal_group(signal.SIGTERM)
            assert service.end(20) == 0
            assert not _heard(systemd, "READY"), "the list is not imported yet"


def _heard(systemd: Listening, name: str) -> list[Message]:
    return [message for message in systemd.heard() if name in message]


def _said(systemd: Listening, name: str, status: str) -> bool:
    return any(message.get("STATUS") == status for message in _heard(systemd, name))


def _names(messages: list[Message], *names: str) -> list[str]:
    """Which of these names the datagrams hold, in their order."""
    return [name for message in messages for name in message if name in names]
