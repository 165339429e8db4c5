"""One campaign's actor, while the campaign is active: claims tasks into free slots, places calls, settles results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from actors import faults
from actors.actor import Actor, Surroundings
from actors.addresses import CALLS, ROSTER, SUPERVISOR, Address, trunk_address
from actors.campaign import ledger
from actors.campaign.ledger import CampaignRow, ClaimedTask
from actors.campaign.messages import (
    CallBegan,
    CallEnded,
    CallNeverBegan,
    CallsStartedAnew,
    HandOver,
    PermitsGranted,
    SettingsChanged,
    SlotsFreed,
    TasksAdded,
)
from actors.campaign.retry import Retry, Verdict
from actors.campaign.schedule import Places
from actors.dialer.messages import Call, CallResult, LetGo, PlaceCalls, ResultsSettled, TakeOver
from actors.errors import LeaseLostError
from actors.limiter import CallLimits, Limiter
from actors.number_zones import zones_of
from actors.roster.messages import LookAround, NothingLeft, ReadyToLeave
from actors.supervision import Drain, StopChild
from actors.telemetry import Telemetry
from actors.trunk.messages import PermitsKept, PermitsReturned, PermitsWanted

PULSE = timedelta(seconds=30)
"""How often a campaign looks for work that no event has told it of: the net for lost notifications."""
LOOK_AGAIN = timedelta(seconds=1)
"""How soon a claim is tried again that left tasks behind which could be claimed."""
CLAIM_MOST = 500
"""Tasks claimed at once; only a campaign without limits on a trunk without limits ever meets this."""


@dataclass(frozen=True)
class Settle:
    """To itself, behind the results that wait in the mailbox: write them all at once."""


@dataclass(frozen=True)
class WorkDue:
    """Reminder: a retry has come due, or it is time to look."""


@dataclass(frozen=True)
class MayDial:
    """Reminder: the window opens, or time has made room in the limit."""


@dataclass(frozen=True)
class Pulse:
    """Reminder: look around, in case an event was lost."""


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
        self._limiter = Limiter(CallLimits())
        self._wanted = 0  # permits asked of the trunk and not yet granted
        self._work_may_be_due = True
        self._company_full = False
        self._stopping = False
        self._begun = False
        self._lost = False
        self._leaving = False  # for another supervisor
        self._results: dict[UUID, CallResult] = {}

    def started(self) -> None:
        try:
            self._begin()
        except LeaseLostError as error:
            self._leave(error)

    def stopped(self) -> None:
        if self._lost:
            return
        try:
            if self._results:
                self._settle()
        except LeaseLostError as error:
            self._leave(error)
        self._give_up_permits()

    def receive(self, message: Any) -> None:
        if self._lost:
            return
        try:
            self._act(message)
        except LeaseLostError as error:
            self._leave(error)

    def _give_up_permits(self) -> None:
        """Also those that are granted behind the message that stops us: nobody else would return them."""
        calls = tuple((call_id, None) for call_id in self._limiter.calls)
        self._tell_trunk(PermitsKept(self._campaign_id, calls))

    def _leave(self, error: LeaseLostError) -> None:
        """Another supervisor works this campaign, or may: nothing is done for it here any more."""
        self._lost = True
        self.log.warning("lease_lost", campaign=str(self._campaign_id), error=str(error))
        if self._begun:
            self._give_up_permits()
        self.tell(SUPERVISOR, StopChild(self.address))
        self.tell(CALLS, LetGo(self._campaign_id))
        self.tell(ROSTER, LookAround())

    def _begin(self) -> None:
        with self._pool.connection() as connection:
            self._take(ledger.read_campaign(connection, self._campaign_id, self._supervisor_id))
            self._begun = True
            ledger.reconsider(connection, self._campaign)
            unfinished = ledger.read_unfinished(connection, self._campaign)
            begun = ledger.read_begun(connection, self._campaign, self.clock.now())
        self._limiter.restore(((task.call_id, began_at) for task, began_at in unfinished), begun)
        calls = tuple((task.call_id, began_at) for task, began_at in unfinished)
        self._tell_trunk(PermitsKept(self._campaign_id, calls))
        self._have_taken_over(unfinished)
        self._pulse()
        self._ask_for_permits()

    def _have_taken_over(self, unfinished: list[tuple[ClaimedTask, datetime | None]]) -> None:
        now = self.clock.now()
        calls = tuple(self._call(task, now) for task, _ in unfinished)
        self.tell(CALLS, TakeOver(self._campaign_id, calls))

    def _act(self, message: Any) -> None:
        match message:
            case PermitsGranted():
                self._use(message)
            case CallBegan():
                self._limiter.began(message.call_id, message.at)
            case CallEnded():
                self._keep(message.result)
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
            case MayDial():
                pass
            case Pulse():
                self._pulse()
            case CallsStartedAnew():
                with self._pool.connection() as connection:
                    self._have_taken_over(ledger.read_unfinished(connection, self._campaign))
            case Drain():
                self._stopping = True
            case HandOver():
                self._leaving = message.wanted
            case _:
                raise TypeError(f"a campaign can't do anything with {message!r}")
        self._ask_for_permits()
        if self._leaving and self._limiter.in_progress == 0 and not self._results:
            self.tell(ROSTER, ReadyToLeave(self._campaign_id))

    # What may be dialed now

    def _ask_for_permits(self) -> None:
        now = self.clock.now()
        wanted = min(self._room(now), CLAIM_MOST) if self._work_may_be_due and not self._company_full else 0
        if wanted != self._wanted:
            self._wanted = wanted
            self._tell_trunk(PermitsWanted(self._campaign_id, wanted, self._generation))

    def _room(self, now: datetime) -> int:
        """How many calls the campaign itself may begin now; where only time will make room, it is reminded."""
        if self._stopping or self._leaving or self._campaign.status != "running":
            return 0
        opening = self._places.campaign.next_opening(now)
        if opening is None:
            if self._limiter.in_progress == 0 and not self._results:
                self.tell(ROSTER, NothingLeft(self._campaign_id, schedule_over=True))
            return 0
        if opening > now:
            self.remind("may dial", opening, MayDial())
            return 0
        room = self._limiter.room(now)
        if room == 0 and (opens := self._limiter.next_room(now)) is not None:
            self.remind("may dial", opens, MayDial())
        return room

    # Claiming

    def _use(self, granted: PermitsGranted) -> None:
        """Claim a task for each permit, as far as the campaign may still dial; what is not used goes back."""
        if granted.generation != self._generation:
            return  # to the actor before this one: the trunk has withdrawn them
        permits = granted.call_ids
        self._wanted -= min(len(permits), self._wanted)
        now = self.clock.now()
        usable = permits[: self._room(now)]
        claimed = self._claim(usable, now) if usable else []
        if unused := tuple(permits[len(claimed) :]):
            self._tell_trunk(PermitsReturned(unused))
        if claimed:
            for task in claimed:
                self._limiter.admit(task.call_id)
            if not self.tell(CALLS, PlaceCalls(tuple(self._call(task, now) for task in claimed))):
                raise RuntimeError("nobody is there to place calls")

    def _claim(self, call_ids: Sequence[UUID], now: datetime) -> list[ClaimedTask]:
        faults.reach("before_claim")
        began = perf_counter()
        with self._pool.connection() as connection:
            opening = self._opening if self._campaign.settings.schedule.contact_local_time else None
            claim = ledger.claim(connection, self._campaign, call_ids, now, opening)
        faults.reach("after_claim")
        self._telemetry.claimed(self._campaign.label, len(claim.tasks), perf_counter() - began)
        self._company_full = claim.company_full
        if len(claim.tasks) < len(call_ids) and not claim.company_full and not claim.passed_over:
            self._work_may_be_due = False
            self._look_ahead()
        return claim.tasks

    def _call(self, task: ClaimedTask, now: datetime) -> Call:
        settings = self._campaign.settings.call
        return Call(
            call_id=task.call_id,
            task_id=task.task_id,
            campaign_id=self._campaign_id,
            epoch=self._campaign.epoch,
            campaign=self._campaign.label,
            trunk=self._campaign.trunk,
            attempt=task.attempt,
            max_attempts=task.max_attempts,
            phone_number=task.phone_number,
            contact_name=task.contact_name,
            contact_data=task.contact_data,
            begin_before=self._places.next_closing(now, self._zones(task.phone_number)),
            agent_name=self._campaign.agent_name,
            agent_metadata=self._campaign.agent_metadata,
            ringing_timeout_s=settings.ringing_timeout_s,
            max_call_duration_s=settings.max_call_duration_s,
            agent_timeout_s=settings.agent_timeout_s,
        )

    # Settling

    def _keep(self, result: CallResult) -> None:
        """The slot is free at once; the result is written together with those that wait behind it."""
        self._limiter.ended(result.call.call_id)
        if not self._results:
            self.actor_ref.tell(Settle())
        self._results[result.call.call_id] = result

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
        if not self._work_may_be_due or self._limiter.in_progress == 0:
            self._look_ahead()

    def _give_back(self, call_id: UUID) -> None:
        with self._pool.connection() as connection:
            ledger.give_back(connection, self._campaign, [call_id], self.clock.now())
        self._limiter.withdraw(call_id)
        self._tell_trunk(PermitsReturned((call_id,)))
        self._work_may_be_due = True

    def _verdict(self, result: CallResult) -> Verdict:
        """What becomes of the task; a retry that would fall outside its window is put at the window's opening."""
        call = result.call
        verdict = self._retry.verdict(
            result.outcome, call.attempt, result.ended_at, self._chance(), max_attempts=call.max_attempts
        )
        if verdict.next_attempt_at is None:
            return verdict
        opening = self._opening(call.phone_number, verdict.next_attempt_at)
        return verdict if opening is None else replace(verdict, next_attempt_at=opening)

    def _opening(self, phone_number: str, instant: datetime) -> datetime | None:
        """When this number may be called, from `instant` on: the window is open here and, if asked for, there."""
        return self._places.next_opening(instant, self._zones(phone_number))

    def _zones(self, phone_number: str) -> tuple[str, ...]:
        """Where, besides the campaign's own zone, the window must be open to call this number."""
        return zones_of(phone_number) if self._campaign.settings.schedule.contact_local_time else ()

    # What comes next

    def _look_ahead(self) -> None:
        """Nothing can be claimed now: when will there be something, or is everything done?"""
        with self._pool.connection() as connection:
            prospects = ledger.read_prospects(connection, self._campaign)
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
        with self._pool.connection() as connection:
            self._take(ledger.read_campaign(connection, self._campaign_id, self._supervisor_id))
            ledger.reconsider(connection, self._campaign)
        self._work_may_be_due = True

    def _take(self, campaign: CampaignRow) -> None:
        settings = campaign.settings
        self._campaign = campaign
        self._places = Places(settings.schedule)
        self._retry = Retry(settings.retry)
        self._limiter.limits = CallLimits(settings.limits.max_concurrent_calls, settings.limits.calls_per_minute)

    def _pulse(self) -> None:
        self._wanted = 0  # told to the trunk again: it may have been restarted, and not know
        self._work_may_be_due = True
        self._company_full = False
        self.remind("pulse", self.clock.now() + PULSE, Pulse())

    def _tell_trunk(self, message: object) -> None:
        self.tell(trunk_address(self._campaign.trunk), message)
