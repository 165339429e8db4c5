"""A tree for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tree.people import Tree


@pytest.fixture
def tree() -> Iterator[Tree]:
    made = Tree()
    made.start()
    yield made
    made.close()
