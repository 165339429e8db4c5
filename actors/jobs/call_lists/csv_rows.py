"""CSV, read as a spreadsheet reads it: any of the usual encodings and separators, a piece of the file at a time."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from actors.errors import CallListValidationError
from actors.jobs.call_lists.columns import PHONE_NUMBER, name_of
from actors.jobs.call_lists.encoding import encoding_of
from actors.jobs.call_lists.rows import Progress, Row

_SEPARATORS = (",", ";", "\t")
_HEAD = 1 << 16  # characters in which the header is looked for
# Far over what a cell may hold, so that a big cell is one bad row; a quote that is never closed comes to an end here.
_LARGEST = 1 << 24
_PROGRESS_ROWS = 4096
# The line with which a list tells Excel its separator; Excel does not show it as a row.
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
_NOT_CSV = (
    (re.compile(rb"%PDF"), "a PDF"),
    # What many a web application exports under the name of a workbook.
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:html|table|!doctype|\?xml)", re.IGNORECASE), "a web page or XML"),
)


def read_csv(path: Path, progress: Progress) -> Iterator[Row]:
    """The rows of a CSV file, the header first; a line break within a cell does not begin a new row.

    Raises CallListValidationError when the file can't be read on: not text at all, cut short, or with a line or cell
    of more than 16 million characters.
    """
    with path.open("rb") as file:
        _refuse_other_formats(path, file.read(_HEAD))
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        codec, errors = encoding_of(path)
        text = io.TextIOWrapper(file, encoding=codec, errors=errors, newline="")
        number = 0
        try:
            head = text.read(_HEAD)
            text.seek(0)
            if separator_line := _SEPARATOR_LINE.match(head):
                text.readline()
            separator = separator_line[1] if separator_line else _separator(head)
            lines = _Lines(text)
            csv.field_size_limit(max(csv.field_size_limit(), _LARGEST))
            for number, cells in enumerate(csv.reader(lines, delimiter=separator), start=1):
                if lines.at_end:  # the reader asked for more after the last line: it is still within quotes
                    yield Row(number, cells, "A quote is opened here and never closed; all that follows is one cell")
                elif not _is_blank(cells):
                    yield Row(number, cells)
                if not number % _PROGRESS_ROWS:
                    progress(file.tell(), size)
        except UnicodeError as error:
            raise CallListValidationError(f"Row {number + 1}: the file is not {codec} text, or is cut short") from error
        except csv.Error as error:
            raise CallListValidationError(f"Row {number + 1}: {error}; is a quote opened and never closed?") from error
        progress(size, size)


class _Lines:
    """The lines of a text; tells when somebody has asked for one after the last."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._read = text.readline
        self.at_end = False

    def __iter__(self) -> Iterator[str]:
        read = self._read
        while line := read(_LARGEST):
            if len(line) == _LARGEST:
                raise csv.Error(f"line larger than {_LARGEST} characters")
            yield line
        self.at_end = True


def _is_blank(cells: list[str]) -> bool:
    # One empty cell that is not a blank line was written `""`: a row without a number, not the absence of a row.
    return not "".join(cells).strip() and cells != [""]


def _refuse_other_formats(path: Path, head: bytes) -> None:
    for beginning, what in _NOT_CSV:
        if beginning.match(head):
            raise CallListValidationError(f"Unsupported file format: {path.name} is {what}")


def _separator(head: str) -> str:
    """The separator with which the header has a phone_number; failing that, the one that makes most columns."""

    def fitness(separator: str) -> tuple[bool, int]:
        for cells in csv.reader(io.StringIO(head, newline=""), delimiter=separator):
            if not _is_blank(cells):
                return PHONE_NUMBER in map(name_of, cells), len(cells)
        return False, 0

    return max(_SEPARATORS, key=fitness)
