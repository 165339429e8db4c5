"""`campaignd status`, plain and watched, as it is run."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from supervisor.database.embedded import EmbeddedPostgres
from supervisor.overview.words import NOBODY_CALLS
from tests.acceptance.running import TRACEBACK, Running
from tests.overview.scene import Scene
from tests.waiting import wait_until

SOON_S = 30


@pytest.fixture
def config(tmp_path: Path, dsn: str) -> Path:
    """Of the scene's database."""
    (tmp_path / "campaigns.d").mkdir()
    file = tmp_path / "campaignd.toml"
    trunk = '[trunks.main]\nlivekit_trunk_id = "ST"\nfrom_number = "+74951234567"\n'
    file.write_text(f"[database]\ndsn = {json.dumps(dsn)}\n{trunk}")
    return file


class Terminal:
    """A terminal with a command in it."""

    def __init__(self, *arguments: object) -> None:
        self._leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), follower)
        environment = os.environ | {"TERM": "xterm-256color"}
        self.command = Running(
            *arguments, env=environment, preexec_fn=lambda: fcntl.ioctl(follower, termios.TIOCSCTTY, 0), **streams
        )
        os.close(follower)
        os.set_blocking(self._leader, False)
        self._shown = b""

    def shown(self) -> str:
        """All that was written to it so far."""
        with suppress(OSError):
            while more := os.read(self._leader, 1 << 16):
                self._shown += more
        return self._shown.decode(errors="replace")

    def wait_for(self, text: str) -> None:
        """Until it is shown, anew."""
        seen = len(self.shown())
        wait_until(lambda: text in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.shown()[seen:]), SOON_S, text)

    def press(self, keys: bytes) -> None:
        os.write(self._leader, keys)

    def close(self) -> None:
        self.command.close()
        os.close(self._leader)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Opens terminals."""
    opened: list[Terminal] = []

    def open_terminal(*arguments: object) -> Terminal:
        opened.append(Terminal(*arguments))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


def test_watching_survives_an_outage_of_postgresql_and_ctrl_c_leaves_the_terminal_as_it_was(
    scene: Scene, config: Path, postgres: EmbeddedPostgres, terminal: Callable[..., Terminal]
) -> None:
    scene.campaign("spring", total_tasks=9)
    watched = terminal("status", "--watch", "--interval", "0.2", "--config", config)
    watched.wait_for("spring")
    scene.campaign("autumn", total_tasks=7)
    watched.wait_for("autumn")
    database = scene.connection.info.dbname
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false".encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'campaignd watch'"
        )
        watched.wait_for("PostgreSQL can't be asked since")
        connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true".encode())
    scene.campaign("winter")
    watched.wait_for("winter")
    watched.press(b"\x03")
    assert watched.command.end(SOON_S) == 130
    shown = watched.shown()
    assert shown.count("\x1b[?1049h") == shown.count("\x1b[?1049l") == 1
    assert shown.rindex("\x1b[?1049l") < shown.index("campaignd: interrupted")
    assert "\x1b[?25h" in shown and TRACEBACK not in shown


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--watch",), "--watch needs a terminal"),
        (("--watch", "--json"), "give one of them"),
        (("--interval", "1"), "--interval goes with --watch"),
    ],
    ids=["no terminal", "json", "interval alone"],
)
def test_what_can_not_be_watched_is_wrong_input(arguments: tuple[str, ...], reason: str, config: Path) -> None:
    with Running("status", *arguments, "--config", config) as command:
        assert command.end() == 2
        assert reason in command.err and not command.out


def test_the_plain_status_says_when_no_service_works_the_campaigns(scene: Scene, config: Path) -> None:
    scene.campaign("spring")
    with Running("status", "--config", config) as command:
        assert (command.end(), command.err) == (0, "")
        assert command.out.splitlines()[-1] == NOBODY_CALLS
    with Running("status", "--json", "--config", config) as command:
        assert command.end() == 0
        assert NOBODY_CALLS not in command.out
    scene.service()
    with Running("status", "--config", config) as command:
        assert command.end() == 0
        assert NOBODY_CALLS not in command.out and "spring" in command.out


def test_the_plain_status_tells_of_breakers_that_are_not_closed(scene: Scene, config: Path) -> None:
    scene.campaign("spring")
    scene.breaker("trunk:main", "open", "SIP 503")
    with Running("status", "--config", config) as command:
        assert (command.end(), command.err) == (0, "")
        assert "circuit breaker trunk:main is open since 2026-12-01T09:15:00+00:00: SIP 503" in command.out
        assert "livekit" not in command.out
    with Running("status", "--json", "--config", config) as command:
        assert command.end() == 0
        printed = json.loads(command.out)
    states = {service: breaker["state"] for service, breaker in printed["breakers"].items()}
    assert states == {"livekit": "closed", "trunk:main": "open", "recordings": "closed"}
