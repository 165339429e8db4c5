"""`campaignd status`, plain and watched, as it is run."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from supervisor.database.embedded import EmbeddedPostgres
from supervisor.overview.words import NOBODY_CALLS
from tests.acceptance.running import TRACEBACK, Running
from tests.acceptance.terminal import SOON_S, Terminal
from tests.overview.scene import Scene


@pytest.fixture
def config(tmp_path: Path, dsn: str) -> Path:
    """Of the scene's database."""
    (tmp_path / "campaigns.d").mkdir()
    file = tmp_path / "campaignd.toml"
    trunk = '[trunks.main]\nlivekit_trunk_id = "ST"\nfrom_number = "+74951234567"\n'
    file.write_text(f"[database]\ndsn = {json.dumps(dsn)}\n{trunk}")
    return file


def test_watching_survives_an_outage_of_postgresql_and_ctrl_c_leaves_the_terminal_as_it_was(
    scene: Scene, config: Path, postgres: EmbeddedPostgres
) -> None:
    scene.campaign("spring", total_tasks=9)
    with Terminal("status", "--watch", "--interval", "0.2", "--config", config) as watched:
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
        assert watched.end(SOON_S) == 130
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
