"""What is asked of LiveKit: the gateway as its askers see it."""

from __future__ import annotations

from typing import Protocol

from actors.addresses import Address
from actors.call import Call


class DialGateway(Protocol):
    """What a dialer asks of LiveKit; each but the last is answered by one message."""

    def create_room(self, call: Call) -> None:
        """Make the call's room and send for its agent."""
        ...

    def dial(self, call: Call, decided_at: float) -> None:
        """Dial, and wait until it is answered or not; `decided_at` is of the monotonic clock."""
        ...

    def look(self, call: Call) -> None:
        """See who is in the call's room."""
        ...

    def delete_room(self, room: str) -> None:
        """Close this room, and hang up whoever is in it."""
        ...


class RoomsGateway(Protocol):
    """What the Reconciler asks of LiveKit."""

    def list_rooms(self, asker: Address) -> None:
        """All rooms of ours: answered by `RoomsListed` or `LookFailed`."""
        ...

    def delete_room(self, room: str) -> None:
        """Close this room, and hang up whoever is in it."""
        ...
