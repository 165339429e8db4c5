"""CSV: a row for each contact, with its last outcome and the columns of its list."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import IO

from actors.spreadsheet_text import is_like_a_formula
from supervisor.report.rows import TIMEZONE, FlatContacts, Row, counted
from supervisor.report.zones import zone

_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


def write_contacts(contacts: FlatContacts, file: IO[str], advance: Callable[[int], None]) -> None:
    """Write them all; `advance` is told how many rows more have been written.

    Times are ISO 8601 in the campaign's zone, with their offset.
    """
    titles = [*(column.name for column in contacts.columns), *map(inert, contacts.list_columns)]
    write_rows(chain([titles], (_cells(row) for row in counted(contacts, advance))), file)


def write_rows(rows: Iterable[Iterable[object]], file: IO[str]) -> None:
    """Write them as CSV, so that a line end in a value begins no row."""
    # With "\n" alone Python 3.11 would write a bare "\r" without quotes: a new row, which may begin as a formula.
    csv.writer(file, lineterminator="\r\n").writerows(rows)


def inert(text: str) -> str:
    """Text that a spreadsheet would take for a formula, with an apostrophe before it, which makes it text. A number
    (a phone's, with its plus) is no formula and stays as it is."""
    return f"'{text}" if is_like_a_formula(text) and not _NUMBER.fullmatch(text) else text


def _cells(row: Row) -> Iterator[object]:
    local = zone(row[TIMEZONE])
    for value in row:
        if isinstance(value, str):
            yield inert(value)
        elif isinstance(value, datetime):
            yield value.astimezone(local).isoformat(timespec="seconds")
        elif isinstance(value, float):
            yield round(value, 3)
        else:
            yield value
