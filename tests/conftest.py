"""Fixtures of every test: one PostgreSQL for the run, a database of its own for each test that asks for one."""

from __future__ import annotations

import itertools
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import structlog
from psycopg.conninfo import make_conninfo

from supervisor.clock import FastClock
from supervisor.database.account import temporary_folder
from supervisor.database.embedded import EmbeddedPostgres
from supervisor.database.migrations import migrate
from supervisor.database.roles import OWNER, become, set_up_roles
from supervisor.simulator import SimulatorThread
from supervisor.tree.loop import LoopThread
from tests.manual_clock import ManualClock
from tests.systemd.listening import Listening
from tests.world import KEY, SECRET, TUESDAY, World

if sys.version_info < (3, 12):
    # Python 3.11 counts the depth of syntax trees for all threads together. A thread that writes a traceback makes one
    # of its line, for the carets; whoever imports or parses meanwhile gets a SystemError.
    traceback._extract_caret_anchors_from_line_segment = lambda segment: None  # type: ignore[attr-defined]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's script that starts tests in the background has them ignore it, and whatever they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tracebacks as the service writes them: with all variables, which is what structlog does by itself, one takes seconds.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

_TEMPLATE = "migrated"
_numbers = itertools.count(1)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """`.ci/run` asks failed tests once more, but only of a run that came to its end."""
    if session.config.cache is not None and not hasattr(session.config, "workerinput"):
        session.config.cache.set("campaignd/exit_code", int(exitstatus))


def _died(error: BaseException) -> None:
    raise AssertionError("the event loop died") from error


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    """The event loop thread of a test, which must not die of anything."""
    thread = LoopThread(_died)
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server for this run, with nothing in it. Its data would not survive the machine, which tests don't ask."""
    settings = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "200"}
    with temporary_folder() as folder, EmbeddedPostgres(folder / "postgres", settings) as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database with its roles; nobody may be connected to it while it is copied."""
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_TEMPLATE}")
    dsn = make_conninfo(postgres.dsn, dbname=_TEMPLATE)
    set_up_roles(dsn)
    migrate(become(dsn, OWNER))
    return _TEMPLATE


@pytest.fixture
def dsn(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    """The DSN of a fresh database with the whole schema; a superuser's, for what tests do to it."""
    yield from _database(postgres, template)


@pytest.fixture
def empty_dsn(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The DSN of a fresh database without any table."""
    yield from _database(postgres, "template0")


def _database(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield make_conninfo(server.dsn, dbname=name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def livekit() -> Iterator[SimulatorThread]:
    """A simulated LiveKit in which everything goes a hundred times as fast."""
    with SimulatorThread(api_key=KEY, api_secret=SECRET, speed=100) as simulator:
        yield simulator


@pytest.fixture
def fast_world(tmp_path: Path, dsn: str, livekit: SimulatorThread) -> Iterator[World]:
    """A world whose clock runs as fast as its LiveKit."""
    world = World(tmp_path, dsn, livekit, FastClock(TUESDAY, 100))
    yield world
    world.close()


@pytest.fixture
def brisk_world(tmp_path: Path, dsn: str, livekit: SimulatorThread) -> Iterator[World]:
    """A world whose clock runs ten times as fast: for what a busy machine, too, must do within seconds of it."""
    world = World(tmp_path, dsn, livekit, FastClock(TUESDAY, 10))
    yield world
    world.close()


@pytest.fixture
def still_world(tmp_path: Path, dsn: str, livekit: SimulatorThread) -> Iterator[World]:
    """A world whose clock only moves when the test moves it: `world.clock.advance(...)`. LiveKit's goes on."""
    world = World(tmp_path, dsn, livekit, ManualClock(TUESDAY))
    yield world
    world.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Listening]:
    """A place where systemd would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address := str(tmp_path / "notify"))
        yield Listening(receiver, address)
