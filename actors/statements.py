"""SQL that stands in files: beside the code that uses it, each statement in one of its own, which psql takes too."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(package: str, *names: str) -> bytes:
    """The text of `sql/{name}.sql` in this package, read once; of several names, one behind the other. Raises
    FileNotFoundError."""
    return b"".join(files(package).joinpath("sql", f"{name}.sql").read_bytes() for name in names)
