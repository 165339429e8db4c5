"""A short storm; `make crash` makes longer ones."""

from __future__ import annotations

from pathlib import Path

from tests.crash.conftest import MakeDatabase
from tests.crash.storm import weather


def test_whatever_dies_under_load_nobody_is_called_twice_and_nobody_forgotten(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    assert weather(tmp_path, make_database(), seconds=10, seed=7)
