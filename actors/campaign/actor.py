"""One campaign's actor, while the campaign is active: claims tasks into free slots, places calls, settles results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from actors import faults
from actors.actor import Actor, Surroundings
from actors.addresses import BREAKERS, CALLS, ROSTER, SUPERVISOR, Address, trunk_address
from actors.blame import Fault
from actors.breakers.messages import WhatFails
from actors.campaign import ledger
from actors.campaign.allowance import Allowance
from actors.campaign.conduct import Conduct
from actors.campaign.ledger import CampaignRow, ClaimedTask, Reached
from actors.campaign.messages import (
    CallBegan,
    CallEnded,
    CallNeverBegan,
    CallsInDoubt,
    HandOver,
    PermitsGranted,
    ProbeOffered,
    ServicesFailing,
    SettingsChanged,
    SlotsFreed,
    TasksAdded,
    TrunkStarted,
)
from actors.campaign.reminders import MayDial, Pulse, Return, Settle, WorkDue
from actors.campaign.retry import Verdict
from actors.campaign.settings import Limits
from actors.campaign.through import Through
from actors.campaign.turnaround import Turnaround
from actors.dialer.messages import RETURN_WITHIN, Call, CallResult, LetGo, PlaceCalls, ResultsSettled, TakeOver
from actors.errors import LeaseLostError
from actors.roster.messages import LookAround, NothingLeft, ReadyToLeave
from actors.services import LIVEKIT, trunk_service
from actors.supervision import Drain, StopChild
from actors.telemetry import Telemetry
from actors.trunk.messages import PermitsReturned, PermitsWanted, ProbeDeclined

PULSE = timedelta(seconds=30)
"""How often a campaign looks for work that no event has told it of: the net for lost notifications."""
LOOK_AGAIN = timedelta(seconds=1)
"""How soon a claim is tried again that left tasks behind which could be claimed."""
CLAIM_MOST = 500
"""Tasks claimed at once; only a campaign without limits on a trunk without limits ever meets this."""


class Campaign(Actor):
    """Works one campaign: dials only what it has claimed, claims only what its schedule, its own limiter, its trunk's
    permits and its company's limit allow, and settles every result. What it knows is a copy: after a crash the next
    one reads it from PostgreSQL again and takes over the calls in progress."""

    def __init__(
        self,
        address: Address,
        generation: int,
        surroundings: Surroundings,
        *,
        campaign_id: UUID,
        supervisor_id: UUID,
        pool: ConnectionPool,
        telemetry: Telemetry,
        chance: Callable[[], float],
    ) -> None:
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._campaign_id = campaign_id
        self._supervisor_id = supervisor_id
        self._pool = pool
        self._telemetry = telemetry
        self._chance = chance
        self._allowance = Allowance(Limits())
        self._turnaround = Turnaround()
        self._through = Through()
        self._wanted = 0  # permits asked of the trunk and not yet granted
        self._work_may_be_due = True
        self._company_full = False
        self._reached: Reached | None = None  # where the next claim goes on
        self._begun = False
        self._lost_at: datetime | None = None  # when we lost our lease; None: we have it
        self._results: dict[UUID, CallResult] = {}

    def started(self) -> None:
        try:
            self._begin()
        except LeaseLostError as error:
            self._lose(error)

    def stopped(self) -> None:
        if self._lost_at is not None:
            return
        try:
            if self._results:
                self._settle()
        except LeaseLostError as error:
            self._lose(error)
        else:
            self._keep_permits()

    def receive(self, message: Any) -> None:
        if self._lost_at is not None and not isinstance(message, Return | Drain):
            return
        try:
            self._act(message)
        except LeaseLostError as error:
            self._lose(error)

    def _keep_permits(self) -> None:
        """Those of our calls, and no others: also what is granted behind the message that stops us, or that gives us
        another trunk, goes back, since nobody else would return it."""
        for trunk, kept in self._through.kept(self._campaign_id, self._campaign.trunk).items():
            self.tell(trunk_address(trunk), kept)

    def _lose(self, error: LeaseLostError) -> None:
        """Another supervisor works this campaign, or may: nothing is done for it here. But perhaps PostgreSQL was only
        away for longer than a lease lasts: then it is ours again as soon as the Roster has looked."""
        now = self.clock.now()
        if self._lost_at is None:
            self._lost_at = now
            self.log.warning("lease_lost", campaign=str(self._campaign_id), error=str(error))
            if self._begun:
                self._keep_permits()
            self.tell(ROSTER, LookAround())
        if now < self._lost_at + RETURN_WITHIN:
            self.remind("return", now + LOOK_AGAIN, Return())
        else:
            self.tell(SUPERVISOR, StopChild(self.address))
            self.tell(CALLS, LetGo(self._campaign_id))

    def _begin(self) -> None:
        now, before = self.clock.now(), self._allowance
        self._results.clear()  # Calls has kept them, and tells them again
        with self._pool.connection() as connection:
            campaign = ledger.read_campaign(connection, self._campaign_id, self._supervisor_id)
            answered = ledger.read_answered(connection, campaign, now)
            self._allowance = Allowance(campaign.settings.limits, answered)
            self._allowance.draining, self._allowance.failing = before.draining, before.failing
            self._take(campaign)
            self._begun = True
            ledger.reconsider(connection, campaign)
            unfinished = ledger.read_unfinished(connection, campaign)
            begun = ledger.read_begun(connection, campaign, now)
        self._allowance.limiter.restore(((task.call_id, began_at) for task, began_at in unfinished), begun)
        self._through = Through()
        for task, began_at in unfinished:
            self._through.place(task.call_id, task.trunk, began_at)
        self._keep_permits()
        self._have_taken_over(unfinished)
        self._lost_at = None
        self.tell(BREAKERS, WhatFails(self.address))
        self._telemetry.abandon_rate(campaign.label, self._allowance.abandon_share(now))
        self._pulse()
        self._ask_for_permits()
        self.log.info("campaign_worked", campaign=campaign.label, calls=len(unfinished))

    def _have_taken_over(self, unfinished: list[tuple[ClaimedTask, datetime | None]]) -> None:
        now = self.clock.now()
        calls = tuple(self._call(task, now) for task, _ in unfinished)
        self.tell(CALLS, TakeOver(self._campaign_id, calls))

    def _act(self, message: Any) -> None:
        match message:
            case PermitsGranted():
                self._use(message)
            case CallBegan():
                self._allowance.limiter.began(message.call_id, message.at)
            case CallEnded():
                self._keep(message)
            case ServicesFailing():
                self._allowance.failing = message.services
            case ProbeOffered():
                self._probe(message)
            case CallNeverBegan():
                self._give_back(message.call_id)
            case Settle():
                self._settle()
            case TasksAdded() | WorkDue():
                self._work_may_be_due = True
            case SlotsFreed():
                self._company_full = False
            case SettingsChanged():
                self._read_again()
            case TrunkStarted():
                self._wanted = 0 if message.trunk == self._campaign.trunk else self._wanted
            case MayDial():
                pass
            case Pulse():
                self._pulse()
            case Return():
                self._begin()
            case CallsInDoubt():
                with self._pool.connection() as connection:
                    self._have_taken_over(ledger.read_unfinished(connection, self._campaign))
            case Drain():
                self._allowance.draining = True
            case HandOver():
                self._allowance.leaving = message.wanted
            case _:
                raise TypeError(f"a campaign can't do anything with {message!r}")
        self._ask_for_permits()
        if self._allowance.leaving and self._idle:
            self.tell(ROSTER, ReadyToLeave(self._campaign_id))

    # What may be dialed now

    def _ask_for_permits(self) -> None:
        now = self.clock.now()
        wanted = min(self._room(now), CLAIM_MOST) if self._work_may_be_due and not self._company_full else 0
        if wanted != self._wanted:
            self._wanted = wanted
            self._tell_trunk(PermitsWanted(self._campaign_id, wanted, self._generation))
        self._turnaround.wanted(wanted)
        self._telemetry.campaign_stands(self._campaign.label, self._allowance.standing(now, wanted))

    def _room(self, now: datetime) -> int:
        """How many calls the campaign itself may begin now; where only time will make room, it is reminded."""
        room = self._allowance.room(now)
        if room.over and self._idle:
            self.tell(ROSTER, NothingLeft(self._campaign_id, schedule_over=True))
        if room.opens_at is not None:
            self.remind("may dial", room.opens_at, MayDial())
        return room.calls

    @property
    def _idle(self) -> bool:
        """No call is in progress, and none is to be settled."""
        return self._allowance.limiter.in_progress == 0 and not self._results

    # Claiming

    def _use(self, granted: PermitsGranted) -> None:
        """Claim a task for each permit, as far as the campaign may still dial; what is not used goes back."""
        if granted.generation != self._generation or granted.trunk != self._campaign.trunk:
            return  # to the actor before this one, or by another trunk: that has withdrawn them
        permits = granted.call_ids
        self._wanted -= min(len(permits), self._wanted)
        now = self.clock.now()
        usable = permits[: self._room(now)]
        claimed = self._claim(usable, now) if usable else []
        if unused := tuple(permits[len(claimed) :]):
            self._tell_trunk(PermitsReturned(unused))
        self._place(claimed, now)

    def _probe(self, offered: ProbeOffered) -> None:
        """Call one more contact although a service fails, if nothing else is in the way."""
        now, claimed = self.clock.now(), []
        if offered.trunk == self._campaign.trunk and self._allowance.room_for_probe(offered.service, now):
            claimed = self._claim([offered.call_id], now, probe=offered.service)
            self._place(claimed, now, probe=offered.service)
        if not claimed:
            self.tell(trunk_address(offered.trunk), ProbeDeclined(offered.call_id))

    def _place(self, claimed: Sequence[ClaimedTask], now: datetime, *, probe: str | None = None) -> None:
        for task in claimed:
            self._allowance.limiter.admit(task.call_id)
            self._through.place(task.call_id, task.trunk)
        calls = tuple(self._call(task, now, probe, self._turnaround.take()) for task in claimed)
        if calls and not self.tell(CALLS, PlaceCalls(calls)):
            raise RuntimeError("nobody is there to place calls")

    def _claim(self, call_ids: Sequence[UUID], now: datetime, *, probe: str | None = None) -> list[ClaimedTask]:
        faults.reach("before_claim")
        began = perf_counter()
        with self._pool.connection() as connection:
            opening = self._conduct.opening if self._conduct.heeds_places else None
            claim = ledger.claim(connection, self._campaign, call_ids, now, opening, probe=probe, reached=self._reached)
        faults.reach("after_claim")
        self._telemetry.claimed(self._campaign.label, len(claim.tasks), perf_counter() - began)
        self._company_full, self._reached = claim.company_full, claim.reached
        if len(claim.tasks) < len(call_ids) and not claim.company_full and not claim.passed_over:
            self._work_may_be_due = False
            self._look_ahead()
        return claim.tasks

    def _call(
        self, task: ClaimedTask, now: datetime, probe: str | None = None, slot_freed_at: float | None = None
    ) -> Call:
        closing = self._conduct.closing(task.phone_number, now)
        return ledger.as_call(task, self._campaign, begin_before=closing, probe=probe, slot_freed_at=slot_freed_at)

    # Settling

    def _keep(self, ended: CallEnded) -> None:
        """The slot is free at once; the result is written together with those that wait behind it."""
        result, now = ended.result, self.clock.now()
        call_id = result.call.call_id
        self._allowance.limiter.ended(call_id)
        self._through.over(call_id)
        if ended.told_at is not None:
            self._turnaround.freed(ended.told_at)
        if not self._results:
            self.actor_ref.tell(Settle())
        if call_id not in self._results:
            share, slower = self._allowance.note_end(result, now)
            self._telemetry.abandon_rate(self._campaign.label, share)
            if slower:
                self.log.warning("campaign_slowed_down", campaign=self._campaign.label, abandon_rate=round(share, 4))
        self._results[call_id] = result

    def _settle(self) -> None:
        began = perf_counter()
        now = self.clock.now()
        verdicts = [(result, self._verdict(result)) for result in self._results.values()]
        faults.reach("before_settle")
        with self._pool.connection() as connection:
            ledger.settle(connection, self._campaign, verdicts, now)
        faults.reach("after_settle")
        self.tell(CALLS, ResultsSettled(tuple(self._results)))
        self._telemetry.settled(self._campaign.label, len(verdicts), perf_counter() - began)
        self._results.clear()
        if not self._work_may_be_due or self._allowance.limiter.in_progress == 0:
            self._look_ahead()

    def _give_back(self, call_id: UUID) -> None:
        with self._pool.connection() as connection:
            ledger.give_back(connection, self._campaign, [call_id], self.clock.now())
        self._allowance.limiter.withdraw(call_id)
        trunk = self._through.trunk(call_id, self._campaign.trunk)
        self.tell(trunk_address(trunk), PermitsReturned((call_id,)))
        self._through.over(call_id)
        self._work_may_be_due, self._reached = True, None

    def _verdict(self, result: CallResult) -> Verdict:
        call = result.call
        at_fault = {Fault.LIVEKIT: LIVEKIT, Fault.TRUNK: trunk_service(call.trunk)}
        services = frozenset(service for fault, service in at_fault.items() if fault is result.fault)
        outage = result.fault is Fault.OURS or self._allowance.met_an_outage(services, call.probe)
        return self._conduct.verdict(result, self._chance(), outage=outage)

    # What comes next

    def _look_ahead(self) -> None:
        """Nothing can be claimed now: when will there be something, or is everything done?"""
        with self._pool.connection() as connection:
            prospects = ledger.read_prospects(connection, self._campaign)
        if prospects.claimable and self._work_may_be_due:
            return  # it is about to be claimed
        if prospects.claimable:
            # Locked by someone else, or not ours to claim any more and the notification was lost.
            self._read_again()
            self._work_may_be_due = False
            self.remind("work due", self.clock.now() + LOOK_AGAIN, WorkDue())
        elif prospects.next_due_at is not None:
            self.remind("work due", prospects.next_due_at, WorkDue())
        elif not prospects.in_progress:
            self.tell(ROSTER, NothingLeft(self._campaign_id, schedule_over=False))

    def _read_again(self) -> None:
        trunk = self._campaign.trunk
        with self._pool.connection() as connection:
            self._take(ledger.read_campaign(connection, self._campaign_id, self._supervisor_id))
            ledger.reconsider(connection, self._campaign)
        if self._campaign.trunk != trunk:
            self._through.leave(trunk)
            self._keep_permits()
            self._wanted = 0
        self._company_full = False
        self._work_may_be_due, self._reached = True, None

    def _take(self, campaign: CampaignRow) -> None:
        self._campaign = campaign
        self._conduct = Conduct(campaign.settings)
        self._allowance.follow(
            running=campaign.status == "running",
            held_by=campaign.held_by,
            needs=campaign.needs,
            limits=campaign.settings.limits,
            conduct=self._conduct,
        )

    def _pulse(self) -> None:
        self._wanted = 0  # told to the trunk again: it may have been restarted, and not know
        self._work_may_be_due, self._reached = True, None
        self._company_full = False
        self.remind("pulse", self.clock.now() + PULSE, Pulse())

    def _tell_trunk(self, message: object) -> None:
        self.tell(trunk_address(self._campaign.trunk), message)
