"""A book for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.campaign.book import Book


@pytest.fixture
def book(dsn: str) -> Iterator[Book]:
    made = Book(dsn)
    yield made
    made.close()
