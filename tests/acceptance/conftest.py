"""What a real set-up has beside `campaignd`: a database, LiveKit (simulated, in a process of its own), and files."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from supervisor.database.embedded import EmbeddedPostgres
from supervisor.simulator import API_KEY, API_SECRET
from tests.acceptance.running import Running
from tests.acceptance.setting import Setting
from tests.ports import free_port
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def speed() -> int:
    """How many times as fast as people LiveKit is. What is long for people must not be too short for a busy machine."""
    return 60


@pytest.fixture(scope="module")
def setting(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, speed: int) -> Iterator[Setting]:
    """A set-up for the tests of one module, with an empty database."""
    folder = tmp_path_factory.mktemp("setting")
    name = f"accepted_{folder.parent.name}_{folder.name}".replace("-", "_")
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        with _livekit(port := free_port(), speed) as livekit:
            dsn = make_conninfo(postgres.dsn, dbname=name)
            environment = os.environ | {"LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}
            yield Setting(folder, dsn, _url_of(livekit), f"http://127.0.0.1:{port}", environment)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _livekit(port: int, speed: int) -> Running:
    """A LiveKit that knows where webhooks go."""
    webhooks = f"http://127.0.0.1:{port}/webhooks/livekit"
    return Running("simulate-livekit", "--port", 0, "--speed", speed, "--webhook-url", webhooks)


def _url_of(livekit: Running) -> str:
    return wait_until(lambda: livekit.out, 20, "the simulated LiveKit").split()[-1]
