"""The breakers of one process, and of two."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from supervisor.simulator import SimulatorThread
from supervisor.tree.loop import LoopThread
from tests.breakers.scene import Ledger, Process
from tests.tree.people import Tree


@pytest.fixture
def ledger(dsn: str) -> Iterator[Ledger]:
    made = Ledger(dsn)
    yield made
    made.close()


def _process(dsn: str, livekit: SimulatorThread, loop: LoopThread) -> Iterator[Process]:
    tree = Tree()
    tree.start()
    process = Process(tree, dsn, livekit, loop)
    process.start()
    yield process
    process.close()
    tree.close()


@pytest.fixture
def here(dsn: str, livekit: SimulatorThread, loop: LoopThread) -> Iterator[Process]:
    """A process whose clock the test moves."""
    yield from _process(dsn, livekit, loop)


@pytest.fixture
def there(dsn: str, livekit: SimulatorThread, loop: LoopThread) -> Iterator[Process]:
    """Another, with the same database."""
    yield from _process(dsn, livekit, loop)
