"""CSV: a row for each contact, with its last outcome and the columns of its list."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import IO

from supervisor.report.rows import TIMEZONE, FlatContacts, Row, counted
from supervisor.report.zones import zone

_FORMULA = re.compile(r"[=+\-@\t\r＝＋－＠]")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


def write_contacts(contacts: FlatContacts, file: IO[str], advance: Callable[[int], None]) -> None:
    """Write them all; `advance` is told how many rows more have been written.

    Times are ISO 8601 in the campaign's zone, with their offset.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*(column.name for column in contacts.columns), *map(inert, contacts.list_columns)])
    writer.writerows(_cells(row) for row in counted(contacts, advance))


def inert(text: str) -> str:
    """Text that a spreadsheet would take for a formula, with an apostrophe before it, which makes it text. A number
    (a phone's, with its plus) is no formula and stays as it is."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


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
