from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.explain.states import States


@pytest.fixture
def states(dsn: str) -> Iterator[States]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield States(connection)
