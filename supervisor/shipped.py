"""Where the folders are that ship with the code: beside it in a checkout, inside the package in an installed wheel."""

from __future__ import annotations

from pathlib import Path


def shipped_folder(name: str) -> Path:
    """The folder `migrations` or `config` of this installation."""
    here = Path(__file__).parent
    packaged = here / "_shipped" / name
    return packaged if packaged.is_dir() else here.parent / name
