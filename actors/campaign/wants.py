"""Which permits a campaign has asked of its trunk."""

from __future__ import annotations


class Wants:
    """What the trunk was told, less what it has granted since: whoever wants the same again need not say so. A plain
    record."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """The trunk knows of nothing that is wanted."""
        self._calls = self._ahead = 0

    def change(self, calls: int, ahead: int) -> bool:
        """So many are wanted from now on, and so many ahead of their slots. Whether the trunk is to be told."""
        changed = (calls, ahead) != (self._calls, self._ahead)
        self._calls, self._ahead = calls, ahead
        return changed

    def granted(self, permits: int) -> None:
        """The trunk has granted so many: those for slots that are free come first."""
        at_once = min(permits, self._calls)
        self._calls -= at_once
        self._ahead -= min(permits - at_once, self._ahead)
