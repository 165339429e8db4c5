"""The Roster: knows which campaigns are worked here, and has the Supervisor start and stop their actors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from actors.actor import Actor, Surroundings
from actors.addresses import SUPERVISOR, Address, campaign_address
from actors.campaign.messages import BeginNoMore, SettingsChanged, SlotsFreed
from actors.roster import statuses
from actors.roster.messages import CampaignChanged, CompanySlotsFreed, LookAround, NothingLeft
from actors.supervision import Drain, StartChild, StopChild

LOOK_AROUND_EVERY = timedelta(seconds=30)
"""The net for lost notifications."""


class Roster(Actor):
    """Every active campaign has an actor; a campaign that is active no more has none. Campaigns complete here, so
    that a status has one keeper."""

    def __init__(self, address: Address, generation: int, surroundings: Surroundings, *, pool: ConnectionPool) -> None:
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._pool = pool
        self._active: dict[UUID, UUID] = {}  # campaign → company
        self._draining = False

    def started(self) -> None:
        self._look_around()

    def receive(self, message: Any) -> None:
        match message:
            case LookAround():
                self._look_around()
            case CampaignChanged():
                self._follow(message.campaign_id)
            case CompanySlotsFreed():
                for campaign_id, company_id in self._active.items():
                    if company_id == message.company_id:
                        self.tell(campaign_address(campaign_id), SlotsFreed())
            case NothingLeft():
                self._complete(message)
            case Drain():
                self._draining = True
                for campaign_id in self._active:
                    self.tell(campaign_address(campaign_id), BeginNoMore())
            case _:
                raise TypeError(f"the roster can't do anything with {message!r}")

    def _look_around(self) -> None:
        with self._pool.connection() as connection:
            active = statuses.read_active(connection)
        self._work(active)
        self.remind("look around", self.clock.now() + LOOK_AROUND_EVERY, LookAround())

    def _follow(self, campaign_id: UUID) -> None:
        known = campaign_id in self._active
        with self._pool.connection() as connection:
            active = statuses.read_active(connection)
        self._work(active)
        if known and campaign_id in self._active:
            self.tell(campaign_address(campaign_id), SettingsChanged())

    def _work(self, active: dict[UUID, UUID]) -> None:
        for campaign_id in active.keys() - self._active.keys() if not self._draining else ():
            self.tell(SUPERVISOR, StartChild(campaign_address(campaign_id), "campaign", str(campaign_id)))
        for campaign_id in self._active.keys() - active.keys():
            self.tell(SUPERVISOR, StopChild(campaign_address(campaign_id)))
        self._active = active

    def _complete(self, message: NothingLeft) -> None:
        now = self.clock.now()
        with self._pool.connection() as connection:
            completed = statuses.complete(connection, message.campaign_id, now, schedule_over=message.schedule_over)
        if completed:
            self.log.info("campaign_completed", campaign=str(message.campaign_id))
            self._follow(message.campaign_id)
