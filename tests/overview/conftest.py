from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.overview.scene import Scene


@pytest.fixture
def scene(dsn: str) -> Iterator[Scene]:
    """In a database of its own; nothing is going on yet."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield Scene(connection)
