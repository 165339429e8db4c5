"""One trunk's actor: hands out permits to begin calls, within the trunk's limits and in fair turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from actors.actor import Actor, Surroundings
from actors.addresses import SUPERVISOR, Address, campaign_address, dialer_address
from actors.campaign.messages import CallBegan, CallEnded, PermitsGranted
from actors.dialer.messages import Begin
from actors.ids import new_id
from actors.limiter import CallLimits, Limiter
from actors.trunk import ledger
from actors.trunk.messages import PermitsKept, PermitsReturned, PermitsWanted, ReadyToBegin
from actors.trunk.turns import Turns

AHEAD = timedelta(milliseconds=250)
"""How much earlier than it may begin a call is permitted: time to claim its task and create its room, so that no part
of a window goes unused meanwhile."""


@dataclass(frozen=True)
class RoomAgain:
    """Reminder: time has made room in a window."""


class Trunk(Actor):
    """Owns the limits that the campaigns of one trunk share. A campaign prepares no call without a permit from here;
    a permit counts as a call in progress from the moment it is granted until the call ends or it is returned. A
    dialer that is ready waits for its turn to begin: so the trunk's pace is kept to the instant. Where other processes
    use the same trunk, PostgreSQL has the last word (`actors.dialer.ledger.mark_dialing`)."""

    def __init__(
        self,
        address: Address,
        generation: int,
        surroundings: Surroundings,
        *,
        name: str,
        supervisor_id: UUID,
        limits: CallLimits,
        pool: ConnectionPool,
    ) -> None:
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._name = name
        self._supervisor_id = supervisor_id
        self._pool = pool
        self._limiter = Limiter(limits)
        self._turns = Turns()
        self._permits: dict[UUID, UUID] = {}  # call → campaign
        self._generations: dict[UUID, int] = {}  # of the campaigns' actors that want permits
        self._ready: dict[UUID, None] = {}  # calls that wait to begin, first come first served

    def started(self) -> None:
        with self._pool.connection() as connection:
            calls = ledger.read_calls(connection, self._name, self.clock.now(), self._supervisor_id)
        begun = [(call, began) for call, _, began in calls.in_progress if began is not None]
        self._limiter.restore(begun, calls.begun)
        for call_id, _, began_at in calls.in_progress:
            if began_at is None:
                self._limiter.prepare(call_id)
        self._permits = {call: campaign for call, campaign, _ in calls.in_progress}

    def receive(self, message: Any) -> None:
        match message:
            case PermitsWanted():
                self._turns.want(message.campaign_id, message.count)
                self._generations[message.campaign_id] = message.generation
            case PermitsReturned():
                self._withdraw(message.call_ids)
            case PermitsKept():
                self._keep(message.campaign_id, dict(message.calls))
            case ReadyToBegin():
                self._limiter.prepare(message.call_id)  # permitted by this trunk's actor before this one, if not by us
                self._ready.setdefault(message.call_id)
            case CallBegan():
                self._limiter.began(message.call_id, message.at)
            case CallEnded():
                self._withdraw((message.result.call.call_id,))
            case RoomAgain():
                pass
            case _:
                raise TypeError(f"a trunk can't do anything with {message!r}")
        self._release()
        self._grant()

    def _keep(self, campaign_id: UUID, kept: Mapping[UUID, datetime | None]) -> None:
        self._turns.want(campaign_id, 0)
        owned = [call for call, campaign in self._permits.items() if campaign == campaign_id]
        self._withdraw(call for call in owned if call not in kept)
        for call_id, began_at in kept.items():
            self._permits[call_id] = campaign_id
            self._limiter.prepare(call_id)
            if began_at is not None:
                self._limiter.began(call_id, began_at)

    def _withdraw(self, call_ids: Iterable[UUID]) -> None:
        for call_id in call_ids:
            self._permits.pop(call_id, None)
            self._ready.pop(call_id, None)
            self._limiter.ended(call_id)

    def _release(self) -> None:
        """Let those begin who are ready, as far as the windows allow."""
        now = self.clock.now()
        for call_id in list(self._ready):
            if not self._limiter.release(call_id, now):
                if (opens := self._limiter.next_release(now)) is not None:
                    self.remind("begin", opens, RoomAgain())
                return
            del self._ready[call_id]
            self.tell(dialer_address(call_id), Begin(self._limiter.limits))

    def _grant(self) -> None:
        if not self._turns.anyone():
            return
        now = self.clock.now()
        for campaign_id, count in self._turns.take(self._limiter.room(now, AHEAD)).items():
            call_ids = tuple(new_id() for _ in range(count))
            for call_id in call_ids:
                self._limiter.prepare(call_id)
                self._permits[call_id] = campaign_id
            if not self.tell(campaign_address(campaign_id), PermitsGranted(call_ids, self._generations[campaign_id])):
                self._withdraw(call_ids)
        opens = self._limiter.next_room(now, AHEAD) if self._turns.anyone() else None
        if opens is not None:
            self.remind("room", opens, RoomAgain())
