"""The Reconciler: at the start and at a slow pulse, what became of calls that nobody follows, and of rooms that no call
needs any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from actors.actor import Actor, Surroundings
from actors.addresses import DIALER_PREFIX, SUPERVISOR, Address, campaign_address
from actors.call import ROOM_PREFIX
from actors.campaign.messages import CallsInDoubt
from actors.dialer import ledger
from actors.dialer.asking import RoomsGateway
from actors.dialer.messages import LookFailed, Room, RoomsListed

PULSE = timedelta(seconds=60)
GRACE = timedelta(seconds=60)
"""All is well for a moment without a dialer, after a call's claim, and with a room, after its end."""


@dataclass(frozen=True)
class Pulse:
    """Reminder: look around."""


class Reconciler(Actor):
    """The net under everything else: an unfinished call of a campaign that is worked here, and has no dialer, is put to
    its campaign; a room whose call has ended, or that this database knows no call of, is deleted, once it has been seen
    so for the whole grace. A room that another database's service has made is never touched."""

    def __init__(
        self,
        address: Address,
        generation: int,
        surroundings: Surroundings,
        *,
        supervisor_id: UUID,
        installation: str,
        pool: ConnectionPool,
        gateway: RoomsGateway,
    ) -> None:
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._supervisor_id = supervisor_id
        self._installation = installation
        self._pool = pool
        self._gateway = gateway
        self._strays: dict[str, datetime] = {}  # rooms, and since when they have been seen as not needed

    def started(self) -> None:
        self._look_around()

    def receive(self, message: Any) -> None:
        match message:
            case Pulse():
                self._look_around()
            case RoomsListed():
                self._clean_up(message.rooms)
            case LookFailed():
                self.log.warning("rooms_not_listed", error=message.error)
            case _:
                raise TypeError(f"the reconciler can't do anything with {message!r}")

    def _look_around(self) -> None:
        followed = self._followed_calls()
        with self._pool.connection() as connection:
            unfinished = ledger.read_unfinished(connection, self._supervisor_id, self.clock.now() - GRACE)
            in_doubt = {campaign_id for call_id, campaign_id in unfinished if call_id not in followed}
        for campaign_id in in_doubt:
            self.log.warning("calls_in_doubt", campaign_id=str(campaign_id))
            self.tell(campaign_address(campaign_id), CallsInDoubt())
        self._gateway.list_rooms(self.address)
        self.remind("pulse", self.clock.now() + PULSE, Pulse())

    def _clean_up(self, rooms: Iterable[Room]) -> None:
        now = self.clock.now()
        followed = self._followed_calls()
        unfollowed = [room for room in rooms if room.name.removeprefix(ROOM_PREFIX) not in followed]
        by_call = {call_id: room for room in unfollowed if (call_id := room.call_id) is not None}
        with self._pool.connection() as connection:
            needed = ledger.read_states(connection, by_call)
        strays = [
            room.name
            for call_id, room in by_call.items()
            if not needed.get(call_id, room.installation != self._installation)
        ]
        self._strays = {name: self._strays.get(name, now) for name in strays}
        for name, since in self._strays.items():
            if now - since >= GRACE:
                self.log.warning("room_deleted", room=name, reason="no call needs it")
                self._gateway.delete_room(name)

    def _followed_calls(self) -> set[str]:
        """The ids of the calls that have a dialer: as text, for of ten thousand all but a few are in here, and need no
        other look."""
        return {
            address.removeprefix(DIALER_PREFIX)
            for address in self._directory.residents()
            if address.startswith(DIALER_PREFIX)
        }
