"""One campaign's actor, while the campaign is active: claims tasks into free slots, places calls, settles results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from actors import faults
from actors.actor import Surroundings
from actors.addresses import BREAKERS, CALLS, ROSTER, Address, dialer_address, trunk_address
from actors.breakers.messages import WhatFails
from actors.call import Call, CallResult
from actors.campaign import ledger
from actors.campaign.allowance import CLAIM_MOST, NO_HEADROOM, Allowance, Headroom
from actors.campaign.conduct import Conduct
from actors.campaign.leased import LOOK_AGAIN, Leased
from actors.campaign.ledger import CampaignRow, ClaimedTask, Reached, Unfinished
from actors.campaign.messages import (
    CallBegan,
    CalleeLeft,
    CallEnded,
    CallNeverBegan,
    CallsInDoubt,
    HandOver,
    PermitsGranted,
    ProbeOffered,
    ReadyForSlot,
    ServicesFailing,
    SettingsChanged,
    SlotsFreed,
    TasksAdded,
    TrunkStarted,
)
from actors.campaign.readings import Readings
from actors.campaign.reminders import MayDial, Proceed, Pulse, Settle, WorkDue
from actors.campaign.retry import Verdict
from actors.campaign.settings import Limits
from actors.campaign.through import Through
from actors.campaign.turnaround import Turnaround
from actors.campaign.wants import Wants
from actors.dialer.messages import DoNotBegin, PlaceCalls, ResultsSettled, SlotFree, TakeOver
from actors.roster.messages import NothingLeft, ReadyToLeave
from actors.supervision import Drain
from actors.telemetry import Telemetry
from actors.trunk.messages import PermitsReturned, PermitsWanted, ProbeDeclined, SlotGiven

PULSE = timedelta(seconds=30)
"""How often a campaign looks for work that no event has told it of: the net for lost notifications. One that rests
looks when it opens: until then it could call nobody, whatever it found."""


class Campaign(Leased):
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
        readings: Readings,
        telemetry: Telemetry,
        chance: Callable[[], float],
    ) -> None:
        super().__init__(address, generation, surroundings, campaign_id)
        self._supervisor_id = supervisor_id
        self._pool = pool
        self._readings = readings
        self._telemetry = telemetry
        self._chance = chance
        self._allowance = Allowance(Limits())
        self._turnaround = Turnaround()
        self._through = Through()
        self._wants = Wants()
        self._work_may_be_due = True
        self._company_full = False
        self._reached: Reached | None = None  # where the next claim goes on
        self._begun = False
        self._results: dict[UUID, CallResult] = {}

    def end(self) -> None:
        """What has ended is settled, and what is not used is given back."""
        if self._results:
            self._settle()
        self._keep_permits()

    def withdraw(self) -> None:
        """Nothing more is permitted to us, if anything was."""
        if self._begun:
            self._keep_permits()

    def _keep_permits(self) -> None:
        """Those of our calls, and no others: also what is granted behind the message that stops us, or that gives us
        another trunk, goes back, since nobody else would return it."""
        for trunk, kept in self._through.kept(self._campaign_id, self._campaign.trunk).items():
            self.tell(trunk_address(trunk), kept)

    def begin(self) -> None:
        """Know what PostgreSQL knows, and take over the calls in progress."""
        now, before = self.clock.now(), self._allowance
        self._results.clear()  # Calls has kept them, and tells them again
        reading = self._readings.read(self._campaign_id)
        campaign, unfinished = reading.campaign, reading.unfinished
        self._allowance = Allowance(campaign.settings.limits, reading.answered)
        self._allowance.draining, self._allowance.failing = before.draining, before.failing
        self._take(campaign)
        self._begun = True
        if reading.put_off:
            with self._pool.connection() as connection:
                ledger.reconsider(connection, campaign)
        self._allowance.limiter.restore(((task.call_id, began_at) for task, began_at in unfinished), reading.begun)
        self._through = Through()
        for task, began_at in unfinished:
            self._through.place(task.call_id, task.trunk, began_at)
        self._keep_permits()
        self._have_taken_over(unfinished)
        self.tell(BREAKERS, WhatFails(self.address))
        self._telemetry.abandon_rate(campaign.label, self._allowance.abandon_share(now))
        self._pulse()
        self._ask_for_permits()
        self.log.info("campaign_worked", campaign=campaign.label, calls=len(unfinished))

    def _have_taken_over(self, unfinished: Unfinished) -> None:
        now = self.clock.now()
        calls = tuple(self._call(task, now) for task, _ in unfinished)
        self.tell(CALLS, TakeOver(self._campaign_id, calls))

    def act(self, message: Any) -> None:
        """Everything a campaign is told. After all that lies in the mailbox, what may be dialed now is looked at anew:
        the slots of calls that end together are filled by one claim."""
        if isinstance(message, Proceed):
            self._ask_for_permits()
            return
        self.afterwards(Proceed())
        match message:
            case PermitsGranted():
                self._use(message)
            case ReadyForSlot():
                if not self._allowance.ahead.ready(message.call_id, self.clock.now()):
                    self.tell(dialer_address(message.call_id), DoNotBegin())
            case CallBegan():
                self._allowance.ahead.over(message.call_id)
                self._allowance.limiter.began(message.call_id, message.at)
            case CalleeLeft():
                if not self._campaign.company_limited:  # its calls count until they are settled
                    self._free(message.call_id, message.told_at)
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
                if message.trunk == self._campaign.trunk:
                    self._wants.forget()
            case MayDial():
                pass
            case Pulse():
                self._pulse()
            case CallsInDoubt():
                with self._pool.connection() as connection:
                    unfinished = ledger.read_unfinished(connection, {self._campaign_id: self._campaign.company_id})
                self._have_taken_over(unfinished[self._campaign_id])
            case Drain():
                self._allowance.draining = True
            case HandOver():
                self._allowance.leaving = message.wanted
            case _:
                raise TypeError(f"a campaign can't do anything with {message!r}")
        if self._allowance.leaving and self._idle:
            self.tell(ROSTER, ReadyToLeave(self._campaign_id))

    # What may be dialed now

    def _ask_for_permits(self) -> None:
        now = self.clock.now()
        headroom = self._headroom(now)
        wanted = ahead = 0
        if self._work_may_be_due and not self._company_full:
            wanted, ahead = min(headroom.calls, CLAIM_MOST), headroom.ahead
        if change := self._wants.change(wanted, ahead):
            self._tell_trunk(PermitsWanted(self._campaign_id, self._generation, *change))
        self._turnaround.wanted(wanted + headroom.promised)
        self._telemetry.campaign_stands(self._campaign.label, self._allowance.standing(now, wanted))

    def _headroom(self, now: datetime) -> Headroom:
        """How many calls the campaign itself may claim now, those that wait having got the free slots; where only time
        will make room, it is reminded."""
        headroom = self._allowance.headroom(now)
        if self._allowance.ahead.waiting:
            headroom = self._have_begun(headroom, now)
        if headroom.over and self._idle:
            self.tell(ROSTER, NothingLeft(self._campaign_id, schedule_over=True))
        if headroom.opens_at is not None:
            self.remind("may dial", headroom.opens_at, MayDial())
        return headroom

    def _have_begun(self, headroom: Headroom, now: datetime) -> Headroom:
        """Let those begin that have waited for a slot, or for too long, or in vain; the headroom that is left."""
        ahead = self._allowance.ahead
        for call_id in ahead.give(headroom.calls):
            self._allowance.limiter.admit(call_id)
            self.tell(dialer_address(call_id), SlotFree(self._turnaround.take()))
            trunk = self._through.trunk(call_id)
            self.tell(trunk_address(trunk), SlotGiven(call_id, self._campaign.needs(trunk)))
        for call_id in ahead.send_back(now, everybody=headroom.shut):
            self.tell(dialer_address(call_id), DoNotBegin())
        if (returns_at := ahead.next_return()) is not None:
            self.remind("waited", returns_at, MayDial())
        headroom = self._allowance.headroom(now)
        promised = min(headroom.calls, ahead.waiting)
        return replace(headroom, calls=headroom.calls - promised, promised=promised)

    @property
    def _idle(self) -> bool:
        """No call is in progress or about to begin, and none is to be settled."""
        return self._through.calls == 0 and not self._results

    # Claiming

    def _use(self, granted: PermitsGranted) -> None:
        """Claim a task for each permit, as far as the campaign may still dial; what is not used goes back."""
        if granted.generation != self._generation or granted.trunk != self._campaign.trunk:
            return  # to the actor before this one, or by another trunk: that has withdrawn them
        permits = granted.call_ids
        self._wants.granted(len(permits), ahead=granted.ahead)
        now = self.clock.now()
        headroom = self._headroom(now)
        usable = permits[: headroom.calls + headroom.ahead]
        claimed = self._claim(usable, now) if usable else []
        if unused := tuple(permits[len(claimed) :]):
            self._tell_trunk(PermitsReturned(unused))
        self._place(claimed, now, slots=headroom.calls)

    def _probe(self, offered: ProbeOffered) -> None:
        """Call one more contact although a service fails, if nothing else is in the way."""
        now, claimed = self.clock.now(), []
        is_ours = offered.trunk == self._campaign.trunk
        headroom = self._allowance.headroom_for_probe(offered.service, now) if is_ours else NO_HEADROOM
        if headroom.calls > 0:
            claimed = self._claim([offered.call_id], now, probe=offered.service)
            self._place(claimed, now, slots=1, probe=offered.service)
        if not claimed:
            self.tell(trunk_address(offered.trunk), ProbeDeclined(offered.call_id, shut=headroom.shut))

    def _place(self, claimed: Sequence[ClaimedTask], now: datetime, *, slots: int, probe: str | None = None) -> None:
        """Those for which there are no slots are made ready, and wait."""
        calls: list[Call] = []
        for task in claimed:
            self._through.place(task.call_id, task.trunk)
            waits = len(calls) >= slots
            if waits:
                self._allowance.ahead.place(task.call_id)
            else:
                self._allowance.limiter.admit(task.call_id)
            call = self._call(task, now, probe=probe)
            calls.append(replace(call, waits=waits, slot_freed_at=None if waits else self._turnaround.take()))
        if calls:  # a Calls that is away asks, once it is back, for those it has not heard of: they are given back
            self.tell(CALLS, PlaceCalls(tuple(calls)))

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

    def _call(self, task: ClaimedTask, now: datetime, *, probe: str | None = None) -> Call:
        closing = self._conduct.closing(task.phone_number, now)
        return ledger.as_call(task, self._campaign, begin_before=closing, probe=probe)

    # Settling

    def _keep(self, ended: CallEnded) -> None:
        """The slot is free at once; the result is written together with those that wait behind it."""
        result, now = ended.result, self.clock.now()
        call_id = result.call.call_id
        self._free(call_id, ended.told_at)
        self._over(call_id)
        self.afterwards(Settle())
        if call_id not in self._results:
            share, slower = self._allowance.note_end(result, now)
            self._telemetry.abandon_rate(self._campaign.label, share)
            if slower:
                self.log.warning("campaign_slowed_down", campaign=self._campaign.label, abandon_rate=round(share, 4))
        self._results[call_id] = result

    def _free(self, call_id: UUID, told_at: float | None) -> None:
        if self._allowance.limiter.ended(call_id) and told_at is not None:
            self._turnaround.freed(told_at)
            self._allowance.ahead.ended(self.clock.now())

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
        self._over(call_id)
        self._work_may_be_due, self._reached = True, None

    def _over(self, call_id: UUID) -> None:
        self._allowance.ahead.over(call_id)
        if (trunk := self._through.over(call_id)) is not None:
            self.tell(trunk_address(trunk), PermitsReturned((call_id,)))

    def _verdict(self, result: CallResult) -> Verdict:
        outage = self._allowance.met_an_outage(result)
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
        self._pulse()

    def _take(self, campaign: CampaignRow) -> None:
        self._campaign = campaign
        self._conduct = Conduct(campaign.settings)
        self._allowance.follow(
            running=campaign.status == "running",
            held_by=campaign.held_by,
            needs=campaign.needs(campaign.trunk),
            early=not campaign.company_limited,  # of its slots none may be kept for those that wait
            limits=campaign.settings.limits,
            conduct=self._conduct,
        )

    def _pulse(self) -> None:
        self._wants.forget()  # told to the trunk again: it may have been restarted, and not know
        self._work_may_be_due, self._reached = True, None
        self._company_full = False
        now = self.clock.now()
        self.remind("pulse", max(now + PULSE, self._allowance.rests_until(now) or now), Pulse())

    def _tell_trunk(self, message: PermitsWanted | PermitsReturned) -> None:
        self.tell(trunk_address(self._campaign.trunk), message)
