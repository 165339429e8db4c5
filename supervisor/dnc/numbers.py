"""Numbers as people give them: on the command line, or in a file, one a line or in a column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from actors.errors import CallListValidationError
from actors.jobs.call_lists.columns import PHONE_NUMBER, name_of
from actors.jobs.call_lists.csv_rows import read_csv
from actors.jobs.call_lists.rows import Row, read_rows
from actors.numbers import NumberError, normalise

_CALL_LISTS = (".csv", ".xlsx", ".xlsm", ".xls")  # whatever ends otherwise is read as lines of text


@dataclass(frozen=True)
class Given:
    """One number as it was given."""

    where: str  # "Line 7"
    text: str
    problem: str | None = None  # why it could not even be read


@dataclass
class Numbers:
    """What was given, sorted out. A number given twice is one number."""

    good: dict[str, None] = field(default_factory=dict)  # E.164, in the order given
    refused: list[str] = field(default_factory=list)  # "Line 7: Impossible number: …"


def sort_out(given: Iterable[Given], region: str | None) -> Numbers:
    """Normalise each; `region` (ISO code) resolves national numbers."""
    numbers = Numbers()
    for one in given:
        try:
            if one.problem is not None:
                raise NumberError(one.problem)
            numbers.good[normalise(one.text, region)] = None
        except NumberError as error:
            numbers.refused.append(f"{one.where}: {error}")
    return numbers


def from_arguments(texts: Iterable[str]) -> Iterator[Given]:
    """Numbers of a command line, by their place on it."""
    return (Given(f"Number {place}", text) for place, text in enumerate(texts, start=1))


def from_file(path: Path) -> Iterator[Given]:
    """The numbers of a file: of its column phone_number if its first line names one, else each line's first cell.
    Encodings and separators are those of call lists. Raises CallListValidationError for a file that can't be read."""
    rows = _rows(path)
    first = next(rows, None)
    if first is None:
        return
    names = [name_of(cell) for cell in first.cells]
    column = names.index(PHONE_NUMBER) if PHONE_NUMBER in names else None
    if column is None:
        yield _given(first, 0)
    for row in rows:
        yield _given(row, column or 0)


def _rows(path: Path) -> Iterator[Row]:
    if path.suffix.lower() in _CALL_LISTS:
        yield from read_rows(path)
        return
    try:
        yield from read_csv(path, lambda done, total: None)
    except OSError as error:
        raise CallListValidationError(f"Can't read {path}: {error.strerror}") from error


def _given(row: Row, column: int) -> Given:
    text = row.cells[column] if column < len(row.cells) else ""
    return Given(f"Line {row.number}", text, row.problem)
