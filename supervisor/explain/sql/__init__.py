"""The statements that explain reads by, a file each. Those about tasks begin with `task_facts`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(*names: str) -> bytes:
    """The text of these .sql files, one behind the other."""
    return b"".join(files(__package__).joinpath(f"{name}.sql").read_bytes() for name in names)
