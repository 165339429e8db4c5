"""The last calls of a campaign that has failed: they are allowed to end, and are settled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from actors.actor import Actor, Surroundings
from actors.addresses import CALLS, ROSTER, SUPERVISOR, Address, dialer_address, trunk_address
from actors.call import CallResult
from actors.campaign import ledger
from actors.campaign.messages import CallEnded, CallNeverBegan, CallsInDoubt, ProbeOffered, ReadyForSlot
from actors.campaign.retry import Retry
from actors.campaign.settings import RetrySettings
from actors.campaign.through import Through
from actors.dialer.messages import DoNotBegin, LetGo, ResultsSettled, TakeOver
from actors.errors import LeaseLostError
from actors.roster.messages import LookAround
from actors.supervision import StopChild
from actors.trunk.messages import ProbeDeclined

_NO_JITTER = 0.5


class LastCalls(Actor):
    """Lives at a failed campaign's address until its last call is settled. Claims nothing, and reads nothing of the
    campaign's own rules: they may be what made it fail. Who was not reached is left as the usual rules would have it,
    but nobody will call them."""

    def __init__(
        self,
        address: Address,
        generation: int,
        surroundings: Surroundings,
        *,
        campaign_id: UUID,
        supervisor_id: UUID,
        pool: ConnectionPool,
    ) -> None:
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._campaign_id = campaign_id
        self._supervisor_id = supervisor_id
        self._pool = pool
        self._retry = Retry(RetrySettings())
        self._left: set[UUID] = set()  # calls that have not been settled

    def started(self) -> None:
        self._under_lease(self._begin)

    def receive(self, message: Any) -> None:
        match message:
            case CallEnded():
                self._under_lease(lambda: self._settle(message.result))
            case CallNeverBegan():
                self._under_lease(lambda: self._give_back(message.call_id))
            case ReadyForSlot():
                self.tell(dialer_address(message.call_id), DoNotBegin())
            case ProbeOffered():
                self.tell(trunk_address(message.trunk), ProbeDeclined(message.call_id, shut=True))
            case CallsInDoubt():
                self._under_lease(self._see_to_calls)
            case _:
                pass  # what a campaign is told that may still call: this one may not

    def _under_lease(self, act: Callable[[], None]) -> None:
        try:
            act()
        except LeaseLostError:
            self.tell(SUPERVISOR, StopChild(self.address))
            self.tell(CALLS, LetGo(self._campaign_id))
            self.tell(ROSTER, LookAround())

    def _begin(self) -> None:
        with self._pool.connection() as connection:
            self._campaign = ledger.read_campaign(
                connection, self._campaign_id, self._supervisor_id, heed_settings=False
            )
        self._see_to_calls()

    def _see_to_calls(self) -> None:
        with self._pool.connection() as connection:
            found = ledger.read_unfinished(connection, {self._campaign_id: self._campaign.company_id})
        unfinished = found[self._campaign_id]
        through = Through()
        for task, began_at in unfinished:
            through.place(task.call_id, task.trunk, began_at)
        calls = tuple(ledger.as_call(task, self._campaign) for task, _ in unfinished)
        for trunk, kept in through.kept(self._campaign_id, self._campaign.trunk).items():
            self.tell(trunk_address(trunk), kept)
        self.tell(CALLS, TakeOver(self._campaign_id, calls))
        self._left = {call.call_id for call in calls}
        self._leave_if_done()

    def _settle(self, result: CallResult) -> None:
        call = result.call
        verdict = self._retry.verdict(
            result.outcome, call.attempt, result.ended_at, _NO_JITTER, max_attempts=call.max_attempts
        )
        with self._pool.connection() as connection:
            ledger.settle(connection, self._campaign, [(result, verdict)], self.clock.now())
        self.tell(CALLS, ResultsSettled((call.call_id,)))
        self._left.discard(call.call_id)
        self._leave_if_done()

    def _give_back(self, call_id: UUID) -> None:
        with self._pool.connection() as connection:
            ledger.give_back(connection, self._campaign, [call_id], self.clock.now())
        self._left.discard(call_id)
        self._leave_if_done()

    def _leave_if_done(self) -> None:
        if not self._left:
            self.tell(ROSTER, LookAround())
