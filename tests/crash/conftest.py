"""Scenes are played side by side, each with a database of its own: most of their time they wait."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from supervisor.database.embedded import EmbeddedPostgres
from tests.crash.part import Part
from tests.crash.promises import check
from tests.crash.scene import Scene
from tests.crash.witness import add_witness

_numbers = itertools.count(1)

AT_ONCE = 6
"""Scenes side by side, on two cores."""

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
        with Scene(folder, make_database(), services=part.services, calls_per_second=part.calls_per_second) as scene:
            part.act(scene)
            check(scene)

    with ThreadPoolExecutor(AT_ONCE) as stage:
        longest_first = sorted(chosen, key=lambda part: not part.long)
        folders = [tmp_path_factory.mktemp("crash") for _ in longest_first]  # here: not to be asked from many threads
        yield {part: stage.submit(play, part, folder) for part, folder in zip(longest_first, folders, strict=True)}
        stage.shutdown(cancel_futures=True)


def _drop(dsn: str, name: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
