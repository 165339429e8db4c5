"""A company's campaigns in PostgreSQL, and call lists written as bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from import_ledger import Ledger


@pytest.fixture
def ledger(dsn: str) -> Iterator[Ledger]:
    ledger = Ledger(dsn)
    with ledger.connection:
        yield ledger


@pytest.fixture
def list_of(tmp_path: Path) -> Callable[..., Path]:
    """Writes a call list and returns its path."""

    def write(content: str | bytes, name: str = "list.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
