"""The overview's statements, a file each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> bytes:
    """The text of `name`.sql."""
    return files(__package__).joinpath(f"{name}.sql").read_bytes()
