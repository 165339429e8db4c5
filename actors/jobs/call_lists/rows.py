"""The rows of a call list, whatever its format: one reader for each, behind `read_rows`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from actors.errors import CallListValidationError

Progress = Callable[[int, int], None]
"""Called now and then with how much of the file has been read, and its size."""


class Row(NamedTuple):
    """One row that is not blank."""

    number: int  # as a spreadsheet shows it: the first row is 1, blank rows count
    cells: list[str]
    problem: str | None = None  # why the row as a whole can't be used


def read_rows(path: Path, progress: Progress | None = None) -> Iterator[Row]:
    """The rows of the call list at `path`, its header first, read as they are asked for.

    Raises CallListValidationError for a file that is missing, empty, or not in a format that is read.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise CallListValidationError(
            f"Unsupported file format: {path.suffix or path.name} (a call list is {', '.join(_READERS)})"
        )
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise CallListValidationError(f"Not a file: {path}")
        if size == 0:
            raise CallListValidationError(f"The call list is empty: {path}")
        yield from reader(path, progress or (lambda done, total: None))
    except OSError as error:
        raise CallListValidationError(f"Can't read the call list {path}: {error.strerror}") from error


def _read_csv(path: Path, progress: Progress) -> Iterator[Row]:
    from actors.jobs.call_lists.csv_rows import read_csv

    return read_csv(path, progress)


_READERS: dict[str, Callable[[Path, Progress], Iterator[Row]]] = {".csv": _read_csv}
