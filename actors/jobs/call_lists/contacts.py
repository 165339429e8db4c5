"""From rows to contacts: who can be called, and why the others can't."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring as quote
from typing import NamedTuple

from actors.jobs.call_lists.columns import Columns
from actors.jobs.call_lists.known_numbers import Elsewhere, KnownNumbers
from actors.jobs.call_lists.rows import Row
from actors.numbers import NumberError, normalise, printable

_LONGEST_CELL = 32_767  # what a spreadsheet's cell can hold
_LONGEST_NAME = 255
_WHOLE_NUMBER = re.compile(r"([+-]?[0-9]{1,18})(?:[.,]0+)?")
_SURELY_FITS = 10
_LEAST, _GREATEST = -(2**31), 2**31 - 1


class Contact(NamedTuple):
    """A row whose number can be called."""

    row: int
    phone_number: str  # E.164
    name: bytes | None  # UTF-8
    priority: int
    data: bytes  # a JSON object as UTF-8
    cells: list[str]  # the row as it came, in case it is rejected yet


class Rejected(NamedTuple):
    """A row that gives no contact, and why."""

    row: int
    reason: str
    cells: list[str]  # as they came

    def __str__(self) -> str:
        return f"Row {self.row}: {self.reason}"


class Contacts:
    """The contacts of one file for one campaign.

    `read` judges each row by itself, `admit` against the rows before it and the numbers it was told of. A rejected row
    never counts as the first of a duplicate. Remembers each number, in some 80 bytes.
    """

    def __init__(self, columns: Columns, region: str | None) -> None:
        self._columns = columns
        self._region = region
        self._known = KnownNumbers()

    def already_in_campaign(self, phone_numbers: Iterable[str | bytes]) -> int:
        """These numbers (E.164) are tasks of the campaign. Returns how many they were."""
        return self._remember(phone_numbers, Elsewhere.IN_CAMPAIGN)

    def do_not_call(self, phone_numbers: Iterable[str | bytes]) -> int:
        """These numbers (E.164) may not be called. Returns how many they were."""
        return self._remember(phone_numbers, Elsewhere.DO_NOT_CALL)

    def _remember(self, phone_numbers: Iterable[str | bytes], where: Elsewhere) -> int:
        count = 0
        for phone_number in phone_numbers:
            self._known.add_elsewhere(int(phone_number), where)
            count += 1
        return count

    def read(self, rows: Iterable[Row]) -> Iterator[Contact | Rejected]:
        """Each row as a contact, or why it is none."""
        for row in rows:
            try:
                yield self._contact(row)
            except (_BadRow, NumberError) as error:
                yield Rejected(row.number, str(error), row.cells)

    def admit(self, contacts: Iterable[Contact | Rejected]) -> Iterator[Contact | Rejected]:
        """What `read` gave, without those who are known already."""
        known = self._known
        for contact in contacts:
            if isinstance(contact, Rejected):
                yield contact
                continue
            first = known.add(int(contact.phone_number), contact.row)
            if first == contact.row:
                yield contact
            elif first is Elsewhere.IN_CAMPAIGN:
                yield Rejected(contact.row, "Already in this campaign", contact.cells)
            elif first is Elsewhere.DO_NOT_CALL:
                yield Rejected(contact.row, "On the do-not-call list", contact.cells)
            else:
                yield Rejected(contact.row, f"Duplicate of row {first}", contact.cells)

    def _contact(self, row: Row) -> Contact:
        columns = self._columns
        number, cells, problem = row
        if problem is not None:
            raise _BadRow(problem)
        if len(cells) != columns.width:
            cells = _fitted(cells, columns.width)
        phone_number = normalise(cells[columns.phone_number], self._region)
        name = None if columns.name is None else cells[columns.name].strip()
        if name and len(name) > _LONGEST_NAME:
            raise _BadRow(f"The name is longer than {_LONGEST_NAME} characters")
        priority = 0 if columns.priority is None else _priority(cells[columns.priority].strip())
        parts = [key + quote(cells[place]) for place, key in columns.data if cells[place].strip()]
        data = f"{{{','.join(parts)}}}"
        if len(data) > _LONGEST_CELL and any(len(cells[place]) > _LONGEST_CELL for place, _ in columns.data):
            raise _BadRow(f"A cell is longer than {_LONGEST_CELL:,} characters")
        if ("\\u0000" in data and any("\0" in cell for cell in cells)) or (name and "\0" in name):
            raise _BadRow("A cell has a NUL character")
        try:
            encoded_name = name.encode() if name else None
            return Contact(number, phone_number, encoded_name, priority, data.encode(), row.cells)
        except UnicodeEncodeError as error:
            raise _BadRow("A cell has characters that can't be read") from error


class _BadRow(Exception):
    """The row gives no contact, for this reason."""


def _fitted(cells: list[str], width: int) -> list[str]:
    if any(cell and not cell.isspace() for cell in cells[width:]):
        raise _BadRow(f"{len(cells)} cells, but the header has {width}")
    return cells[:width] + [""] * (width - len(cells))


def _priority(text: str) -> int:
    if not text:
        return 0
    if len(text) < _SURELY_FITS and text.isdecimal():
        return int(text)
    whole = _WHOLE_NUMBER.fullmatch(text)
    if whole is None:
        raise _BadRow(f"The priority is not a whole number: {printable(text)}")
    priority = int(whole[1])
    if not _LEAST <= priority <= _GREATEST:
        raise _BadRow(f"The priority is out of range: {printable(text)}")
    return priority
