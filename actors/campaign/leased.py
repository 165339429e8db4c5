"""What a campaign's actor does about its lease: nothing without it, and on as soon as it is there again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from actors.actor import Actor, Surroundings
from actors.addresses import CALLS, ROSTER, SUPERVISOR, Address, trunk_address
from actors.campaign.messages import ProbeOffered
from actors.campaign.reminders import Return
from actors.dialer.messages import RETURN_WITHIN, LetGo
from actors.errors import LeaseLostError
from actors.roster.messages import LookAround
from actors.supervision import Drain, StopChild
from actors.trunk.messages import ProbeDeclined

LOOK_AGAIN = timedelta(seconds=1)
"""How soon something is tried again that could be done, if all is as it should be: a claim, or the lease."""


class Leased(Actor):
    """Subclasses implement `begin`, `act`, `end` and `withdraw`; whatever of them finds the lease lost raises
    LeaseLostError. Another supervisor works the campaign then, or may: nothing is done for it here. But perhaps
    PostgreSQL was only away for longer than a lease lasts: then it is ours again as soon as the Roster has looked."""

    def __init__(self, address: Address, generation: int, surroundings: Surroundings, campaign_id: UUID) -> None:
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._campaign_id = campaign_id
        self._lost_at: datetime | None = None  # when we lost our lease; None: we have it

    def begin(self) -> None:
        """Read everything and go on: at the start, and when a lease that was lost may be ours again."""
        raise NotImplementedError

    def act(self, message: Any) -> None:
        """Act on any message but `Return`."""
        raise NotImplementedError

    def end(self) -> None:
        """Leave everything in order."""
        raise NotImplementedError

    def withdraw(self) -> None:
        """The lease was lost: nothing begins."""
        raise NotImplementedError

    def started(self) -> None:
        try:
            self._begin_anew()
        except LeaseLostError as error:
            self._lose(error)

    def stopped(self) -> None:
        if self._lost_at is not None:
            return
        try:
            self.end()
        except LeaseLostError as error:
            self._lose(error)

    def receive(self, message: Any) -> None:
        if self._lost_at is not None and not isinstance(message, Return | Drain):
            if isinstance(message, ProbeOffered):
                self.tell(trunk_address(message.trunk), ProbeDeclined(message.call_id, shut=True))
            return
        try:
            if isinstance(message, Return):
                self._begin_anew()
            else:
                self.act(message)
        except LeaseLostError as error:
            self._lose(error)

    def _begin_anew(self) -> None:
        self.begin()
        self._lost_at = None

    def _lose(self, error: LeaseLostError) -> None:
        now = self.clock.now()
        if self._lost_at is None:
            self._lost_at = now
            self.log.warning("lease_lost", campaign_id=str(self._campaign_id), error=str(error))
            self.withdraw()
            self.tell(ROSTER, LookAround())
        if now < self._lost_at + RETURN_WITHIN:
            self.remind("return", now + LOOK_AGAIN, Return())
        else:
            self.tell(SUPERVISOR, StopChild(self.address))
            self.tell(CALLS, LetGo(self._campaign_id))
