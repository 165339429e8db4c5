"""Which permits a campaign has asked of its trunk."""

from __future__ import annotations

from typing import NamedTuple


class Change(NamedTuple):
    """What the trunk is to be told. `anew`: all that is wanted, whatever was wanted before; else how much more of each,
    or less."""

    calls: int
    ahead: int
    anew: bool


class Wants:
    """What was asked of the trunk and has not come yet. A trunk is told differences: what it has granted meanwhile, and
    is on its way, must not be wanted twice. A plain record."""

    def __init__(self) -> None:
        self._calls = self._ahead = 0
        self._anew = True

    def forget(self) -> None:
        """It is not certain any more that the trunk knows what is wanted, or that what it granted arrives."""
        self._anew = True

    def change(self, calls: int, ahead: int) -> Change | None:
        """So many are wanted from now on, and so many ahead of their slots. None: the trunk need not be told."""
        before, wanted = (self._calls, self._ahead), (calls, ahead)
        if wanted == before and not (self._anew and any(wanted)):
            return None
        anew, self._anew = self._anew, False
        self._calls, self._ahead = wanted
        return Change(*wanted, anew) if anew else Change(calls - before[0], ahead - before[1], anew)

    def granted(self, permits: int, *, ahead: bool) -> None:
        """So many have come."""
        if ahead:
            self._ahead = max(self._ahead - permits, 0)
        else:
            self._calls = max(self._calls - permits, 0)
