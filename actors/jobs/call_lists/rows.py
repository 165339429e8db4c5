"""The rows of a call list, whatever its format: one reader for each, behind `read_rows`."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import NamedTuple

from actors.errors import CallListValidationError

Progress = Callable[[int, int], None]
"""Called now and then with how much of the file has been read, and its size; both 0 while another import is waited for.
What it raises ends the import."""

_ENDINGS = (".csv", ".xlsx", ".xlsm", ".xls")
# What a file is stands in its first bytes, not in its name: "Save as" and web exports give all of them to any of them.
_WORKBOOKS = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")
_TEXT_WITH_ZEROS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD = 4096


class Row(NamedTuple):
    """One row that is not blank."""

    number: int  # as a spreadsheet shows it: the first row is 1, blank rows count
    cells: list[str]
    problem: str | None = None  # why the row as a whole can't be used


def read_rows(path: Path, progress: Progress | None = None) -> Generator[Row, None, None]:
    """The rows of the call list at `path`, its header first, read as they are asked for.

    What is read of a workbook goes on until the generator is closed. Raises CallListValidationError for a file that is
    missing, empty, or not in a format that is read.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise CallListValidationError(
            f"Unsupported file format: {path.suffix or path.name} (a call list is {', '.join(_ENDINGS)})"
        )
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise CallListValidationError(f"Not a file: {path}")
        if size == 0:
            raise CallListValidationError(f"The call list is empty: {path}")
        yield from _reader(path)(path, progress or (lambda done, total: None))
    except OSError as error:
        raise CallListValidationError(f"Can't read the call list {path}: {error.strerror}") from error


def _reader(path: Path) -> Callable[[Path, Progress], Iterator[Row]]:
    from actors.jobs.call_lists.csv_rows import read_csv
    from actors.jobs.call_lists.workbook import read_workbook

    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_WORKBOOKS):
        return read_workbook
    if path.suffix.lower() != ".csv" and b"\0" in head and not head.startswith(_TEXT_WITH_ZEROS):
        raise CallListValidationError(f"Unsupported file format: {path.name} is neither a workbook nor text")
    return read_csv
