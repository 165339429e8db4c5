"""What an administrator's roles may do here, as SQL: a file for each part of what `--print-roles` prints."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statements(name: str) -> str:
    """The text of `name`.sql."""
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
