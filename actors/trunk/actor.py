"""One trunk's actor: hands out permits to begin calls, within the trunk's limits and in fair turns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from actors.actor import Actor, Surroundings
from actors.addresses import SUPERVISOR, Address, campaign_address
from actors.campaign.messages import CallBegan, CallEnded, PermitsGranted
from actors.ids import new_id
from actors.limiter import CallLimits, Limiter
from actors.trunk import ledger
from actors.trunk.messages import PermitsKept, PermitsReturned, PermitsWanted
from actors.trunk.turns import Turns


@dataclass(frozen=True)
class RoomAgain:
    """Reminder: time has made room in a window."""


class Trunk(Actor):
    """Owns the limits that the campaigns of one trunk share. A campaign begins no call without a permit from here;
    a permit counts as a call in progress from the moment it is granted until the call ends or it is returned."""

    def __init__(
        self,
        address: Address,
        generation: int,
        surroundings: Surroundings,
        *,
        name: str,
        limits: CallLimits,
        pool: ConnectionPool,
    ) -> None:
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._name = name
        self._pool = pool
        self._limiter = Limiter(limits)
        self._turns = Turns()
        self._permits: dict[UUID, UUID] = {}  # call → campaign

    def started(self) -> None:
        with self._pool.connection() as connection:
            calls = ledger.read_calls(connection, self._name, self.clock.now())
        self._limiter.restore(((call, began) for call, _, began in calls.in_progress), calls.begun)
        self._permits = {call: campaign for call, campaign, _ in calls.in_progress}

    def receive(self, message: Any) -> None:
        match message:
            case PermitsWanted():
                self._turns.want(message.campaign_id, message.count)
            case PermitsReturned():
                self._withdraw(message.call_ids)
            case PermitsKept():
                kept = set(message.call_ids)
                owned = [call for call, campaign in self._permits.items() if campaign == message.campaign_id]
                self._withdraw(call for call in owned if call not in kept)
            case CallBegan():
                self._limiter.began(message.call_id, message.at)
            case CallEnded():
                self._withdraw((message.result.call.call_id,))
            case RoomAgain():
                pass
            case _:
                raise TypeError(f"a trunk can't do anything with {message!r}")
        self._grant()

    def _withdraw(self, call_ids: Iterable[UUID]) -> None:
        for call_id in call_ids:
            self._permits.pop(call_id, None)
            self._limiter.ended(call_id)

    def _grant(self) -> None:
        if not self._turns.anyone():
            return
        now = self.clock.now()
        for campaign_id, count in self._turns.take(self._limiter.room(now)).items():
            call_ids = tuple(new_id() for _ in range(count))
            for call_id in call_ids:
                self._limiter.admit(call_id)
                self._permits[call_id] = campaign_id
            if not self.tell(campaign_address(campaign_id), PermitsGranted(call_ids)):
                self._withdraw(call_ids)
        opens = self._limiter.next_room(now) if self._turns.anyone() else None
        if opens is not None:
            self.remind("room", opens, RoomAgain())
