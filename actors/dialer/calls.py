"""Calls: starts and finds dialers by call id, and keeps every result until its campaign has settled it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pykka
from psycopg_pool import ConnectionPool

from actors.actor import OUTAGE, Actor, NoThreadError, Surroundings
from actors.addresses import (
    BREAKERS,
    DIALER_PREFIX,
    SUPERVISOR,
    Address,
    campaign_address,
    dialer_address,
    trunk_address,
)
from actors.call import Call, CallResult
from actors.campaign.messages import CallEnded, CallNeverBegan, CallsInDoubt
from actors.dialer import ledger
from actors.dialer.ledger import CallRow
from actors.dialer.messages import (
    RETURN_WITHIN,
    AreAllSettled,
    CallFinished,
    LeaseTaken,
    LetGo,
    NeverDialed,
    PlaceCalls,
    ResultsSettled,
    TakeOver,
)
from actors.outcomes import Outcome
from actors.roster.messages import LastCallsGivenUp
from actors.supervision import ChildDown, GivenUp
from actors.telemetry import Telemetry
from actors.trunk.messages import PermitsKept, PermitsReturned
from actors.vital_signs import PULSE, FeelPulse, VitalSigns

StartDialer = Callable[[Address, int, Call, bool, CallRow | None], "pykka.ActorRef[Any]"]
"""Address, generation, call, whether it is to be resumed and not dialed, and how far it has come, if that is known."""

MOST_DIALERS = 4
"""Dialers that may die on one call; then it ends as interrupted: something about it kills them. Those that PostgreSQL's
absence has killed are not counted."""
RESUME_AGAIN = timedelta(seconds=5)
"""How soon calls that could not be followed are resumed: PostgreSQL was away, or there was no thread to be had."""
READ_WITHIN_S = 1.0
"""How long a connection to PostgreSQL is waited for: everybody's calls wait meanwhile."""


@dataclass(frozen=True)
class NotReturned:
    """Reminder: a campaign that was let go of has not come back."""

    campaign_id: UUID


@dataclass(frozen=True)
class ResumeAgain:
    """Reminder: there are calls that could not be followed."""


class Calls(Actor):
    """The parent of all dialers.

    A result is kept until the campaign says that it is in the database, and told again to a campaign that has
    started anew: no death between a call's end and its settlement can lose it. A dialer that dies is followed by one
    that resumes its call and never dials it again; where none can, the call goes on, and is resumed later.
    """

    def __init__(
        self,
        address: Address,
        generation: int,
        surroundings: Surroundings,
        *,
        start_dialer: StartDialer,
        pool: ConnectionPool,
        telemetry: Telemetry,
    ) -> None:
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._start_dialer = start_dialer
        self._pool = pool
        self._telemetry = telemetry
        self._vital_signs = VitalSigns()
        self._dialers: dict[UUID, tuple[Call, int]] = {}  # the generation of each call's dialer; 0: not known
        self._unsettled: dict[UUID, CallResult] = {}
        self._given_up: set[UUID] = set()  # campaigns of which nobody settles anything
        self._leaving: dict[UUID, Call] = {}  # their dialers stop without a result
        self._resume_when_gone: dict[UUID, Call] = {}  # wanted again before their dialers were gone
        self._resume_later: dict[UUID, tuple[Call, int]] = {}  # nobody follows them: with the next dialer's generation

    def started(self) -> None:
        """What lay in the mailbox of one that crashed is lost: campaigns say which calls there are."""
        for campaign_id in self._directory.campaigns():
            self.tell(campaign_address(campaign_id), CallsInDoubt())
        self._telemetry.actor_kinds(("dialer",))
        self._feel_pulse()

    def receive(self, message: Any) -> Any:
        match message:
            case PlaceCalls():
                for call in message.calls:
                    self._start(call, 1, resume=False)
            case TakeOver():
                self._take_over(message)
            case LetGo():
                leaves_at = self.clock.now() + RETURN_WITHIN
                self.remind(_let_go_key(message.campaign_id), leaves_at, NotReturned(message.campaign_id))
            case NotReturned():
                self._let_go(message.campaign_id)
            case CallFinished():
                self._finished(message.result)
            case NeverDialed():
                self._never_dialed(message.call)
            case ResultsSettled():
                for call_id in message.call_ids:
                    self._unsettled.pop(call_id, None)
            case LastCallsGivenUp():
                self._given_up.add(message.campaign_id)
            case ChildDown():
                self._dialer_down(message)
            case ResumeAgain():
                waiting, self._resume_later = self._resume_later, {}
                self._resume(waiting.values())
            case FeelPulse():
                self._feel_pulse()
            case AreAllSettled():
                return all(result.call.campaign_id in self._given_up for result in self._unsettled.values())
            case _:
                raise TypeError(f"Calls can't do anything with {message!r}")
        self._telemetry.results_waiting(len(self._unsettled))
        return None

    def _feel_pulse(self) -> None:
        at_work = self._directory.at_work("dialer").items()
        ours = {address: since for address, since in at_work if _call_id(address) in self._dialers}
        for address in self._vital_signs.hanging(ours, self.stopwatch()):
            self.tell(address, GivenUp())
            call, generation = self._dialers[_call_id(address)]
            self.log.error("dialer_hangs", call=str(call.call_id), campaign=call.campaign, generation=generation)
            self._dialer_down(ChildDown(address, generation, "it hangs: its mailbox does not move"))
        self.remind("pulse", self.clock.now() + PULSE, FeelPulse())

    def _take_over(self, message: TakeOver) -> None:
        self.forget(_let_go_key(message.campaign_id))
        self._given_up.discard(message.campaign_id)
        unfinished = {call.call_id for call in message.calls}
        self._unsettled = {
            call_id: result
            for call_id, result in self._unsettled.items()
            if result.call.campaign_id != message.campaign_id or call_id in unfinished
        }
        unfollowed = []
        for call in message.calls:
            if result := self._unsettled.get(call.call_id):
                self.tell(campaign_address(message.campaign_id), CallEnded(result))
                self.tell(trunk_address(call.trunk), PermitsReturned((call.call_id,)))  # to which it was kept
            elif self._directory.find(dialer_address(call.call_id)) is None:
                unfollowed.append(call)
            elif call.call_id in self._leaving:
                self._resume_when_gone[call.call_id] = call
            else:
                self._go_on(call)
        self._resume([(call, 1) for call in unfollowed])

    def _go_on(self, call: Call) -> None:
        """Its dialer lives: under a new lease what it writes must carry the new epoch."""
        known, generation = self._dialers.get(call.call_id, (None, 0))
        if known is None or known.epoch != call.epoch:
            self._dialers[call.call_id] = replace(known or call, epoch=call.epoch), generation
            self.tell(dialer_address(call.call_id), LeaseTaken(call.epoch))

    def _resume(self, calls: Collection[tuple[Call, int]]) -> None:
        """Have these followed that nobody follows, each by a dialer of this generation."""
        stand = self._read([call.call_id for call, _ in calls])
        for call, generation in calls:
            if stand is None:
                self._put_off(call, generation)
            else:
                self._resume_later.pop(call.call_id, None)
                self._start(call, generation, resume=True, stands=stand.get(call.call_id))

    def _put_off(self, call: Call, generation: int) -> None:
        """It goes on meanwhile: it is neither over nor hung up on because nobody can follow it. One that has not been
        dialed is not dialed any more: it is given back, so that its attempt does not count."""
        if not self._resume_later:
            self.remind("resume again", self.clock.now() + RESUME_AGAIN, ResumeAgain())
        self._resume_later[call.call_id] = call, generation

    def _read(self, call_ids: list[UUID]) -> Mapping[UUID, CallRow] | None:
        """How far these have come, that have no dialer, so that nothing is written of them: a thousand dialers that
        each ask for a connection to look would take a second. None: PostgreSQL is away."""
        if not call_ids:
            return {}
        try:
            with self._pool.connection(READ_WITHIN_S) as connection:
                return ledger.read_calls(connection, call_ids)
        except OUTAGE as error:
            self.log.warning("calls_not_read", calls=len(call_ids), error=str(error))
            return None

    def _let_go(self, campaign_id: UUID) -> None:
        for call_id, (call, _) in self._dialers.items():
            dialer = self._directory.find(dialer_address(call_id))
            if call.campaign_id == campaign_id and dialer is not None:
                self._leaving[call_id] = call
                self._resume_when_gone.pop(call_id, None)
                dialer.stop(block=False)
        for call, _ in list(self._resume_later.values()):
            if call.campaign_id == campaign_id:
                del self._resume_later[call.call_id]
                self.tell(trunk_address(call.trunk), PermitsReturned((call.call_id,)))
        for trunk in self._directory.trunks():  # its last actor may have died with permits that only the trunk knows
            self.tell(trunk, PermitsKept(campaign_id, ()))
        self._unsettled = {
            call_id: result for call_id, result in self._unsettled.items() if result.call.campaign_id != campaign_id
        }

    def _start(self, call: Call, generation: int, *, resume: bool, stands: CallRow | None = None) -> None:
        try:
            self._start_dialer(dialer_address(call.call_id), generation, call, resume, stands)
            self._dialers[call.call_id] = call, generation
        except NoThreadError as error:
            self.log.warning("dialer_not_started", call=str(call.call_id), campaign=call.campaign, error=str(error))
            self._put_off(call, generation)

    def _dialer_down(self, down: ChildDown) -> None:
        call_id = _call_id(down.address)
        call, generation = self._dialers.get(call_id, (None, 0))
        if 0 not in (generation, down.generation) and generation != down.generation:
            return  # one that hung, and has a successor
        self._directory.leave(down.address)
        self._dialers.pop(call_id, None)
        left = self._leaving.pop(call_id, None)
        if wanted := self._resume_when_gone.pop(call_id, None):
            self._start(wanted, 1, resume=True)
        elif left is not None:  # only now can nobody ask its trunk any more whether it may begin
            self.tell(trunk_address(left.trunk), PermitsReturned((call_id,)))
        elif call is None or down.error is None:
            return
        elif down.outage:
            self._put_off(call, down.generation)
        elif down.generation < MOST_DIALERS:
            self._telemetry.actor_restarted("dialer")
            self._start(call, down.generation + 1, resume=True)
        else:
            self._telemetry.actor_quarantined("dialer")
            reason = f"its dialers died: {down.error}"
            self._finished(CallResult(call, Outcome.INTERRUPTED, self.clock.now(), error=reason))

    def _never_dialed(self, call: Call) -> None:
        """Its permit is returned when its dialer is gone, and not by its campaign, which may have failed, be worked by
        another supervisor, or be gone."""
        self._leaving[call.call_id] = call
        self.tell(campaign_address(call.campaign_id), CallNeverBegan(call.call_id))

    def _finished(self, result: CallResult) -> None:
        call = result.call
        self.log.info(
            "call_ended",
            call=str(call.call_id),
            task=str(call.task_id),
            campaign=call.campaign,
            outcome=result.outcome.value,
            error=result.error,
        )
        if call.call_id not in self._leaving or call.call_id in self._resume_when_gone:  # else nobody here settles it
            self._unsettled[call.call_id] = result
        ended = CallEnded(result, self.stopwatch())
        self.tell(campaign_address(call.campaign_id), ended)
        self.tell(trunk_address(call.trunk), ended)
        self.tell(BREAKERS, ended)


def _call_id(dialer: Address) -> UUID:
    return UUID(dialer.removeprefix(DIALER_PREFIX))


def _let_go_key(campaign_id: UUID) -> str:
    return f"let go {campaign_id}"
