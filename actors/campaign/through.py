"""Which trunk each of a campaign's calls goes through."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from actors.trunk.messages import PermitsKept


class Through:
    """A call keeps the trunk that it was placed with, also when its campaign has been given another since: there it
    counts until it ends. A plain record, told what happens."""

    def __init__(self) -> None:
        self._calls: dict[UUID, tuple[str, datetime | None]] = {}
        self._left: set[str] = set()

    @property
    def calls(self) -> int:
        """Calls that are not over, or are to begin."""
        return len(self._calls)

    def place(self, call_id: UUID, trunk: str, began_at: datetime | None = None) -> None:
        """This call is to go through this trunk, or is in progress there; `began_at` where it is known."""
        self._calls[call_id] = trunk, began_at

    def over(self, call_id: UUID) -> str | None:
        """The call has ended, or never began: which trunk is to be told so. One that was left may have heard that we
        keep this call when it knew already that it was over; None: the trunk knows."""
        trunk, _ = self._calls.pop(call_id, (None, None))
        return trunk if trunk in self._left else None

    def leave(self, trunk: str) -> None:
        """Nothing new goes through this trunk: permits that it may still grant are not used."""
        self._left.add(trunk)

    def trunk(self, call_id: UUID) -> str:
        """The trunk of a call that is not over."""
        return self._calls[call_id][0]

    def kept(self, campaign_id: UUID, trunk: str) -> dict[str, PermitsKept]:
        """What each trunk is to be told that has calls of this campaign, the one it uses and those it has left: which
        permits are in use, and that no others are."""
        calls: dict[str, list[tuple[UUID, datetime | None]]] = {name: [] for name in (trunk, *self._left)}
        for call_id, (goes_through, began_at) in self._calls.items():
            calls.setdefault(goes_through, []).append((call_id, began_at))
        return {name: PermitsKept(campaign_id, tuple(kept)) for name, kept in calls.items()}
