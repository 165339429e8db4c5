"""The numbers that a verification may ring: those of a test trunk, and never a stranger's."""

from __future__ import annotations

import re

_RANGE = re.compile(r"^\+([1-9][0-9]{6,14})-\+([1-9][0-9]{6,14})$")


def parse_range(text: str) -> range:
    """`+79450000000-+79450009999`, both ends included. Raises ValueError saying what is wrong."""
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError("not a range of numbers, such as +79450000000-+79450009999")
    first, last = int(found[1]), int(found[2])
    if len(found[1]) != len(found[2]) or last < first:
        raise ValueError("the second number is not one that follows the first")
    return range(first, last + 1)
