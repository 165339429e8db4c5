from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.clock import FastClock
from supervisor.simulator import SimulatorThread
from tests.manual_clock import ManualClock
from tests.recording.recorded import RecordedWorld
from tests.recording.shelf import Shelf
from tests.world import KEY, SECRET, TUESDAY, World


@pytest.fixture
def recorded(tmp_path: Path, dsn: str) -> Iterator[RecordedWorld]:
    """A world whose campaigns record their calls, with a clock as fast as its LiveKit."""
    store = tmp_path / "store"
    with SimulatorThread(api_key=KEY, api_secret=SECRET, speed=100, recordings_directory=store / "incoming") as livekit:
        world = World(tmp_path, dsn, livekit, FastClock(TUESDAY, 100))
        yield RecordedWorld(world, store)
        world.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(TUESDAY)


@pytest.fixture
def shelf(tmp_path: Path, dsn: str) -> Iterator[Shelf]:
    made = Shelf(tmp_path, dsn)
    yield made
    made.close()
