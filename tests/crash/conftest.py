"""Scenes are played side by side, each with a database of its own: most of their time they wait."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from supervisor.database.account import temporary_folder
from supervisor.database.embedded import EmbeddedPostgres
from supervisor.database.migrations import migrate
from tests.crash.part import Part
from tests.crash.promises import check
from tests.crash.scene import Scene
from tests.crash.witness import add_witness

_numbers = itertools.count(1)

AT_ONCE = 4
"""Scenes side by side, on two cores; a file whose scenes wait for more than others may say more."""

MakeDatabase = Callable[[], str]


@pytest.fixture(scope="session")
def make_database(postgres: EmbeddedPostgres, template: str) -> Iterator[MakeDatabase]:
    """Makes a fresh database, with a witness in it, and says its DSN; from any thread."""
    with ExitStack() as closing:

        def make() -> str:
            name = f"crash_{next(_numbers)}"
            with psycopg.connect(postgres.dsn, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
            closing.callback(_drop, postgres.dsn, name)
            dsn = make_conninfo(postgres.dsn, dbname=name)
            add_witness(dsn)
            return dsn

        yield make


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest, make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Part, Future[None]]]:
    """Every part that the chosen tests of this file ask for, in the course of being played, and then checked."""
    chosen: list[Part] = [
        item.callspec.params["part"]  # type: ignore[misc]
        for item in request.session.items
        if item.path == request.path and isinstance(item, pytest.Function) and "played" in item.fixturenames
    ]

    def play(part: Part, folder: Path) -> None:
        with ExitStack() as closing:
            server = closing.enter_context(_own_server()) if part.own_server else None
            dsn = make_database() if server is None else server.dsn
            scene = Scene(folder, dsn, services=part.services, calls_per_second=part.calls_per_second)
            scene.server = server
            with scene:
                try:
                    part.act(scene)
                    check(scene)
                except AssertionError as error:
                    raise AssertionError("\n".join([str(error), *scene.said()])) from None

    with ThreadPoolExecutor(getattr(request.module, "AT_ONCE", AT_ONCE)) as stage:
        longest_first = sorted(chosen, key=lambda part: not part.long)
        folders = [tmp_path_factory.mktemp("crash") for _ in longest_first]  # here: not to be asked from many threads
        yield {part: stage.submit(play, part, folder) for part, folder in zip(longest_first, folders, strict=True)}
        stage.shutdown(cancel_futures=True)


@contextmanager
def _own_server() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that loses nothing when it is killed; it would when the machine is, which no scene does."""
    with temporary_folder() as folder, EmbeddedPostgres(folder / "postgres", {"fsync": "off"}) as server:
        migrate(server.dsn)
        add_witness(server.dsn)
        yield server


def _drop(dsn: str, name: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
