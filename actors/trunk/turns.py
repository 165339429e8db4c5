"""Whose turn it is: campaigns that share a trunk get permits one by one, in turn (product.md, "Limits")."""

from __future__ import annotations

from uuid import UUID


class Turns:
    """How many permits each campaign still wants, and who comes next. A big campaign waits for its turn like a small
    one; who wants nothing is passed over and loses nothing but its place in the round."""

    def __init__(self) -> None:
        self._wanted: dict[UUID, int] = {}  # in the order of their turns

    def want_more(self, campaign_id: UUID, count: int) -> None:
        """This campaign wants `count` permits more than it still did, or fewer."""
        self.want(campaign_id, self._wanted.get(campaign_id, 0) + count)

    def want(self, campaign_id: UUID, count: int) -> None:
        """This campaign wants `count` permits, whatever it wanted before."""
        if count > 0:
            self._wanted[campaign_id] = count
        else:
            self._wanted.pop(campaign_id, None)

    def anyone(self) -> bool:
        """Whether anyone wants a permit."""
        return bool(self._wanted)

    def take(self, permits: int) -> dict[UUID, int]:
        """Share out at most `permits`: how many each campaign gets. What they wanted shrinks by it."""
        shares: dict[UUID, int] = {}
        while permits > 0 and self._wanted:
            # A whole round at once where there is enough for everybody.
            each = max(1, min(permits // len(self._wanted), min(self._wanted.values())))
            for campaign_id in list(self._wanted)[: permits // each]:
                shares[campaign_id] = shares.get(campaign_id, 0) + each
                permits -= each
                left = self._wanted.pop(campaign_id) - each
                if left > 0:
                    self._wanted[campaign_id] = left
        return shares
