"""A campaign's statements: each is a file in `sql/`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def sql(name: str) -> bytes:
    """The statement of this name."""
    return files(__package__).joinpath("sql", f"{name}.sql").read_bytes()
