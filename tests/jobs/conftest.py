"""An office for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.jobs.office import Office


@pytest.fixture
def office(dsn: str) -> Iterator[Office]:
    made = Office(dsn)
    yield made
    made.close()
