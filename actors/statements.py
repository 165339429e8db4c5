"""SQL that stands in files: beside the code that uses it, each statement in one of its own, which psql takes too."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(package: str, name: str) -> bytes:
    """The text of `sql/{name}.sql` in this package, read once. Raises FileNotFoundError."""
    return files(package).joinpath("sql", f"{name}.sql").read_bytes()
