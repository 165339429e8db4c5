"""What the header of a call list says about its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring as quote

from actors.errors import CallListValidationError

PHONE_NUMBER = "phone_number"
_NAMES = ("contact_name", "name")  # the first that is there names the contact
_PRIORITY = "priority"
_LONGEST = 255
_BETWEEN_WORDS = re.compile(r"[\s_\-]+")


def name_of(cell: str) -> str:
    """A header cell as it is compared: ` Phone Number`, `PHONE-NUMBER` and `phone_number` are the same column."""
    return _BETWEEN_WORDS.sub("_", cell.strip().strip("\ufeff")).casefold()


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row the parts of a contact stand."""

    width: int
    phone_number: int
    name: int | None
    priority: int | None
    data: tuple[tuple[int, str], ...]  # every other column: where, and its key as JSON with the colon

    @classmethod
    def of(cls, header: Sequence[str]) -> Columns:
        """Read a header, in which case, spaces and order don't matter.

        A column without a name is called by its place (`column_4`), a repeated one gets a number (`notes_2`).
        Raises CallListValidationError when there is no phone_number, or two.
        """
        names = [name_of(cell) for cell in header]
        if PHONE_NUMBER not in names:
            raise CallListValidationError(f"Missing required columns: {PHONE_NUMBER}")
        for wanted in (PHONE_NUMBER, *_NAMES, _PRIORITY):
            if names.count(wanted) > 1:
                raise CallListValidationError(f"The column {wanted} is there more than once")
        name = next((names.index(wanted) for wanted in _NAMES if wanted in names), None)
        priority = names.index(_PRIORITY) if _PRIORITY in names else None
        phone_number = names.index(PHONE_NUMBER)
        others = [place for place in range(len(header)) if place not in (phone_number, name, priority)]
        keys = _keys({place: header[place].strip() or f"column_{place + 1}" for place in others})
        data = tuple((place, f"{quote(key)}:") for place, key in keys.items())
        return cls(len(header), phone_number, name, priority, data)


def _keys(wanted: dict[int, str]) -> dict[int, str]:
    taken: set[str] = set()
    keys = {}
    for place, key in wanted.items():
        if len(key) > _LONGEST:
            raise CallListValidationError(f"The name of column {place + 1} is longer than {_LONGEST} characters")
        if "\0" in key or (not key.isascii() and any("\ud800" <= character <= "\udfff" for character in key)):
            raise CallListValidationError(f"The name of column {place + 1} has characters that can't be read")
        times = 1
        while (unique := key if times == 1 else f"{key}_{times}") in taken:
            times += 1
        taken.add(unique)
        keys[place] = unique
    return keys
