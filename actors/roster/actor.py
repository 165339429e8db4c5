"""The Roster: which campaigns are worked here, and has the Supervisor start and stop their actors."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg_pool import ConnectionPool

from actors import faults
from actors.actor import Actor, Surroundings
from actors.addresses import BREAKERS, CALLS, CENSUS, SUPERVISOR, Address, campaign_address
from actors.breakers.messages import CampaignsChanged
from actors.campaign.messages import CampaignsTaken, HandOver, SettingsChanged, SlotsFreed
from actors.dialer.messages import LetGo
from actors.roster import leases, statuses
from actors.roster.messages import (
    CampaignChanged,
    CompanySlotsFreed,
    LastCallsGivenUp,
    LookAround,
    NothingLeft,
    Quarantined,
    ReadyToLeave,
)
from actors.supervision import Drain, StartChild, StopChild
from actors.telemetry import Telemetry, WorkedCampaign

LOOK_FOR_FREE_EVERY = timedelta(seconds=1)
"""How soon campaigns are noticed that another supervisor has let go of, or whose lease has run out."""
RENEWALS_PER_LEASE = 3
LONGEST_SILENCE = timedelta(seconds=20)
"""However long its leases, each process is heard of so often: who has not been for a minute does not count among those
who probe the same services, and in the end it is forgotten."""


@dataclass(frozen=True)
class LookForFree:
    """Reminder: there are campaigns that nobody here works; has one of them become free?"""


@dataclass(frozen=True)
class Follow:
    """To itself, behind the changes that wait in the mailbox: look at all of them at once."""


class Roster(Actor):
    """Every active campaign whose lease is ours has an actor here; a campaign that is not active, or not ours, has
    none. Supervisors share campaigns evenly by number. Campaigns complete and fail here, so that a status has one
    keeper."""

    def __init__(
        self,
        address: Address,
        generation: int,
        surroundings: Surroundings,
        *,
        pool: ConnectionPool,
        supervisor: leases.Supervisor,
        lease: timedelta,
        telemetry: Telemetry,
    ) -> None:
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._pool = pool
        self._supervisor = supervisor
        self._lease = lease
        self._telemetry = telemetry
        self._active: dict[UUID, statuses.ActiveCampaign] = {}  # whoever works them
        self._held: dict[UUID, int] = {}  # campaign → epoch of our lease
        self._worked: dict[UUID, tuple[str, int]] = {}  # campaign → kind of the actor that was asked for, and epoch
        self._given_up: set[UUID] = set()  # campaigns whose last calls nobody can settle: not before the next start
        self._draining = False
        self._changed: set[UUID] = set()  # campaigns that have changed since we looked
        # Campaigns that have been told to leave; None: the Roster before this one knew.
        self._leaving: set[UUID] | None = set() if generation == 1 else None
        # PostgreSQL, whose absence may have ended the Roster before this one, may have been away from the others, too.
        self._forgets_from = self.clock.now() + (timedelta(0) if generation == 1 else leases.FORGOTTEN_AFTER)

    def started(self) -> None:
        self._look_around()

    def stopped(self) -> None:
        """Its campaigns have stopped before it: whoever comes next need not wait for the leases to run out."""
        with self._pool.connection() as connection:
            leases.release(connection, self._supervisor.id, self._held)

    def receive(self, message: Any) -> None:
        match message:
            case LookAround():
                self._look_around()
            case LookForFree():
                self._look_for_free()
            case CampaignChanged():
                self._follow_later(message.campaign_id)
            case Follow():
                self._follow()
            case CompanySlotsFreed():
                for campaign_id in self._held:
                    active = self._active.get(campaign_id)
                    if active is not None and active.company_id == message.company_id:
                        self.tell(campaign_address(campaign_id), SlotsFreed())
            case NothingLeft():
                self._complete(message)
            case ReadyToLeave():
                self._let_go(message.campaign_id)
            case Quarantined():
                self._fail(message)
            case LastCallsGivenUp():
                self._given_up.add(message.campaign_id)
            case Drain():
                self._draining = True
            case _:
                raise TypeError(f"the roster can't do anything with {message!r}")

    def _look_around(self) -> None:
        """Be heard of, renew our leases, and see which campaigns there are."""
        faults.reach("before_lease_renewal")
        with self._pool.connection() as connection:
            if self.clock.now() >= self._forgets_from:
                leases.forget_the_silent(connection)
            held = leases.renew(connection, self._supervisor, self._lease)
            faults.reach("after_lease_renewal")
            self._work(connection, held)
            self._share(connection)
        for campaign_id, (kind, _) in self._worked.items():
            address = campaign_address(campaign_id)
            if campaign_id not in self._given_up and self._directory.find(address) is None:
                # It may have stopped itself meanwhile, having lost a lease that is ours again.
                self.tell(SUPERVISOR, StartChild(address, kind, str(campaign_id)))
        again = min(self._lease / RENEWALS_PER_LEASE, LONGEST_SILENCE)
        self.remind("look around", self.clock.now() + again, LookAround())

    def _look_for_free(self) -> None:
        with self._pool.connection() as connection:
            self._work(connection, dict(self._held))

    def _follow_later(self, campaign_id: UUID) -> None:
        """A look reads all campaigns, and of a thousand that are started each tells of itself."""
        self.afterwards(Follow())
        self._changed.add(campaign_id)

    def _follow(self) -> None:
        changed, self._changed = self._changed, set()
        with self._pool.connection() as connection:
            self._work(connection, dict(self._held), changed)
        self.tell(BREAKERS, CampaignsChanged())

    def _work(self, connection: Connection, held: dict[UUID, int], changed: Collection[UUID] = ()) -> None:
        """Have an actor for every active campaign that we hold or can take, and for no other. Those that were held
        already, also by the Roster before this one, are told if they have `changed`, or may have by their rows: of
        these the notification was lost."""
        before = self._active, self._held
        self._active = statuses.read_active(connection)
        over = held.keys() - self._active.keys()
        if over:
            leases.release(connection, self._supervisor.id, over)
            held = {campaign_id: epoch for campaign_id, epoch in held.items() if campaign_id not in over}
        held_already, free = set(held), self._active.keys() - held.keys()
        room = self._fair_share(connection) - len(held) if free and not self._draining else 0
        if room > 0:
            held |= leases.acquire(connection, self._supervisor.id, free, room, self._lease)
        connection.commit()  # an actor that is started now looks for its lease at once, over another connection
        self._held = held
        if (self._active, held) != before:
            self._have_worked()
        for campaign_id in held_already:
            if campaign_id in changed or self._active[campaign_id] != before[0].get(campaign_id):
                self.tell(campaign_address(campaign_id), SettingsChanged())
        if self._active.keys() - held.keys() and not self._draining:
            self.remind("look for free", self.clock.now() + LOOK_FOR_FREE_EVERY, LookForFree())

    def _have_worked(self) -> None:
        """Have the actors stopped that are not the right ones any more, and the right ones started."""
        wanted = {
            campaign_id: ("last calls" if self._active[campaign_id].failed else "campaign", epoch)
            for campaign_id, epoch in self._held.items()
        }
        # Before their actors say how they stand: of a campaign that is not worked here nothing is shown.
        self._telemetry.campaigns_worked([_as_worked(self._active[campaign_id]) for campaign_id in wanted])
        for campaign_id, (_, epoch) in self._worked.items():
            if wanted.get(campaign_id) != self._worked[campaign_id]:
                self.tell(SUPERVISOR, StopChild(campaign_address(campaign_id)))
                if self._held.get(campaign_id) != epoch:
                    self.tell(CALLS, LetGo(campaign_id))
        for campaign_id, (kind, _) in wanted.items():
            if wanted[campaign_id] != self._worked.get(campaign_id):
                self.tell(SUPERVISOR, StartChild(campaign_address(campaign_id), kind, str(campaign_id)))
        taken = wanted.keys() - self._worked.keys()
        self._worked = wanted
        if taken:
            self.tell(CENSUS, CampaignsTaken())

    def _fair_share(self, connection: Connection) -> int:
        return math.ceil(len(self._active) / leases.count_live(connection, self._supervisor.id, self._lease))

    def _share(self, connection: Connection) -> None:
        """Hand campaigns over while we hold more than our share: each leaves once its calls have ended. Those that are
        to leave are told each time: they may have been started anew; who is not, once: the Roster before this one may
        have told them otherwise."""
        surplus = max(len(self._held) - self._fair_share(connection), 0)
        leaving = set(sorted(self._held)[:surplus])
        staying = (self._held.keys() if self._leaving is None else self._leaving) - leaving
        self._leaving = leaving
        for campaign_id in leaving | staying:
            self.tell(campaign_address(campaign_id), HandOver(wanted=campaign_id in leaving))

    def _let_go(self, campaign_id: UUID) -> None:
        if campaign_id in self._held:
            del self._held[campaign_id]
            self._have_worked()
            with self._pool.connection() as connection:
                leases.release(connection, self._supervisor.id, [campaign_id])
            self.remind("look for free", self.clock.now() + LOOK_FOR_FREE_EVERY, LookForFree())

    def _complete(self, message: NothingLeft) -> None:
        now = self.clock.now()
        with self._pool.connection() as connection:
            completed = statuses.complete(connection, message.campaign_id, now, schedule_over=message.schedule_over)
        if completed:
            self.log.info("campaign_completed", campaign_id=str(message.campaign_id))
            self._follow_later(message.campaign_id)

    def _fail(self, message: Quarantined) -> None:
        now = self.clock.now()
        reason = "Failed: its actor could not be kept alive"
        with self._pool.connection() as connection:
            statuses.fail(connection, message.campaign_id, now, reason, message.error)
        self.log.error("campaign_quarantined", campaign_id=str(message.campaign_id), error=message.error)
        self._follow_later(message.campaign_id)


def _as_worked(active: statuses.ActiveCampaign) -> WorkedCampaign:
    return WorkedCampaign(active.label, active.company, active.trunk, active.status.value, active.holds)
