"""Which numbers of a list are known already, and from where."""

from __future__ import annotations

from array import array
from enum import IntEnum

_BLOCK = 64
_PARTS = 31


class Elsewhere(IntEnum):
    """Where a number is known from that no row of this file gave."""

    IN_CAMPAIGN = -1
    DO_NOT_CALL = -2


class KnownNumbers:
    """Numbers by their digits; of those that rows gave, which row was the first. A list has millions of them, so a
    dictionary's entry says only in which block of rows to look: to keep an object for each row would take half as much
    again. And there are several dictionaries, by the numbers: one alone would at times be there twice, to grow."""

    def __init__(self) -> None:
        # A number → the block of its row, or where else it is known from.
        self._known: tuple[dict[int, int], ...] = tuple({} for _ in range(_PARTS))
        self._of_row = array("Q")  # by row; 0: it gave none that was new
        self._block = 0

    def add_elsewhere(self, number: int, where: Elsewhere) -> None:
        """It is known from there, unless it is known already."""
        self._known[number % _PARTS].setdefault(number, where)

    def add(self, number: int, row: int) -> int | Elsewhere:
        """A row, each behind those before it, gives this number: the row that gave it first, this one if it is new; or
        where else it is known from."""
        if row // _BLOCK != self._block:
            self._block = row // _BLOCK
        known = self._known[number % _PARTS]
        before = len(known)
        found = known.setdefault(number, self._block)
        if len(known) > before:
            self._of_row.extend((0,) * (row - len(self._of_row)))
            self._of_row.append(number)
            return row
        return Elsewhere(found) if found < 0 else self._of_row.index(number, found * _BLOCK)
