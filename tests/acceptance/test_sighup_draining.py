"""SIGHUP to a service that drains."""

from __future__ import annotations

import signal

from supervisor.database.migrations import migrate
from tests.acceptance.setting import Setting
from tests.waiting import wait_until

TALKER = "+79450000101"
"""Answers, and does not stop talking."""


def test_sighup_while_it_drains_neither_ends_it_nor_is_heeded(setting: Setting) -> None:
    migrate(setting.dsn)
    setting.script({TALKER: {"kind": "answer", "ring_s": 1, "talk_s": 80_000}})
    setting.campaign("spring", "Spring renewals", [TALKER])
    spring = setting.folder / "campaigns.d" / "spring.toml"
    with setting.service() as service:
        wait_until(lambda: setting.rings(), 20, "the call to begin")
        service.signal_group(signal.SIGTERM)
        wait_until(lambda: "stopping" in service.err, 10)
        spring.write_text(f"{spring.read_text()}[limits]\ncalls_per_minute = 22\n")
        service.signal_group(signal.SIGHUP)
        service.signal_group(signal.SIGTERM)
        assert service.end(20) == 0
        assert "→ 22" not in service.err
