"""One trunk's actor: hands out permits to begin calls, within the trunk's limits and in fair turns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg_pool import ConnectionPool

from actors.actor import OUTAGE, Actor, Surroundings
from actors.addresses import BREAKERS, SUPERVISOR, Address, campaign_address, dialer_address
from actors.blame import Fault
from actors.breakers.messages import ProbeReturned, ProbeWanted, WhatFails
from actors.campaign.messages import (
    CallBegan,
    CalleeLeft,
    CallEnded,
    PermitsGranted,
    ProbeOffered,
    ServicesFailing,
    TrunkStarted,
)
from actors.dialer.messages import Begin, DoNotBegin
from actors.ids import new_id
from actors.limiter import CallLimits, Limiter
from actors.services import LIVEKIT, trunk_service
from actors.supervision import Drain
from actors.telemetry import Telemetry
from actors.trunk import ledger
from actors.trunk.messages import (
    PermitsKept,
    PermitsReturned,
    PermitsWanted,
    ProbeDeclined,
    ReadyToBegin,
    SlotGiven,
    TrunkConfigured,
)
from actors.trunk.pace import Pace
from actors.trunk.turns import Turns

AHEAD = timedelta(milliseconds=250)
"""How much earlier than it may begin a call is permitted: time to claim its task and create its room, so that no part
of a window goes unused meanwhile."""
MOST_PREPARED = 100
"""Calls that are made ready at once. A campaign without limits would else have hundreds of rooms made in the same
moment: all of them, and whoever talks already, would wait for each other."""

KEPT_FREE = 0.1
"""Part of a trunk's calls at once that is never permitted to calls which wait for a slot of their campaign: nobody who
has one is to be kept waiting by them."""


LOOK_AGAIN = timedelta(seconds=5)
"""How often calls are looked at that were in progress when this actor started, until their campaigns say whether they
keep them. They were left by who is gone; or their campaigns are worked here, but the trunk's actor before this one has
died: what it was told last, may be the end of one of them, is lost."""


@dataclass(frozen=True)
class LookAgain:
    """Reminder: calls of which no campaign has spoken may have ended, or be another's."""


@dataclass(frozen=True)
class RoomAgain:
    """Reminder: time has made room in a window."""


@dataclass(frozen=True)
class Faster:
    """Reminder: it is long enough since a refusal for the next step."""


class Trunk(Actor):
    """Owns the limits that the campaigns of one trunk share. A campaign prepares no call without a permit from here;
    a permit counts as a call in progress from the moment it is granted until nobody is called by it any more, or it is
    returned. A dialer that is ready waits for its turn to begin: so the trunk's pace is kept to the instant. Where
    other processes use the same trunk, PostgreSQL has the last word (`actors.dialer.ledger.mark_dialing`).

    Nothing begins that needs a service whose breaker is not closed, but for one call as a probe, when the breakers ask
    for it. A carrier that refuses calls for their pace is dialed more slowly, and by and by faster again."""

    def __init__(
        self,
        address: Address,
        generation: int,
        surroundings: Surroundings,
        *,
        name: str,
        supervisor_id: UUID,
        limits: CallLimits | None,
        pool: ConnectionPool,
        telemetry: Telemetry,
    ) -> None:
        """Without `limits` it is configured no more, and there only for calls that it has permitted."""
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._name = name
        self._supervisor_id = supervisor_id
        self._pool = pool
        self._telemetry = telemetry
        self._configured = limits is not None
        self._draining = False
        self._pace = Pace(limits or CallLimits())
        self._limiter = Limiter(self._pace.configured)
        self._turns = Turns()
        self._turns_ahead = Turns()  # of those who have nobody to call at once, but soon
        self._permits: dict[UUID, UUID] = {}  # call → campaign
        self._inherited: set[UUID] = set()  # calls that were read, and of which no campaign has spoken yet
        self._generations: dict[UUID, int] = {}  # of the campaigns' actors that want permits
        self._ready: dict[UUID, frozenset[str]] = {}  # calls that wait to begin, in this order, and what they need
        self._failing: frozenset[str] = frozenset()  # services whose breakers are not closed
        self._probe: ProbeWanted | None = None
        self._probe_call: UUID | None = None  # the one call that may begin in spite of the probed service's breaker
        self._to_offer: list[UUID] = []  # campaigns that the probe has not been offered yet
        self._all_shut = True  # of those that it has been offered, none may call anybody now

    def started(self) -> None:
        with self._pool.connection() as connection:
            calls = self._read_calls(connection)
            self._pace = Pace(self._pace.configured, ledger.read_pace(connection, self._name))
        begun = [(call, began) for call, _, began in calls.in_progress if began is not None]
        self._limiter.restore(begun, calls.begun)
        for call_id, _, began_at in calls.in_progress:
            if began_at is None:
                self._limiter.prepare(call_id)
        self._permits = {call: campaign for call, campaign, _ in calls.in_progress}
        self._inherited = set(self._permits)
        self._look_later()
        self._keep_pace()
        self._telemetry.trunk_calls(self._name, self._limiter.in_progress)
        self.tell(BREAKERS, WhatFails(self.address))
        for campaign_id in self._directory.campaigns():
            self.tell(campaign_address(campaign_id), TrunkStarted(self._name))

    def receive(self, message: Any) -> None:
        match message:
            case PermitsWanted():
                self._want(message)
            case PermitsReturned():
                self._return(message.call_ids)
            case PermitsKept():
                self._keep(message.campaign_id, dict(message.calls))
            case ReadyToBegin():
                self._limiter.prepare(message.call_id)  # permitted by this trunk's actor before this one, if not by us
                self._ready.setdefault(message.call_id, message.needs)
            case SlotGiven():
                if message.call_id in self._permits:
                    self._ready.setdefault(message.call_id, message.needs)
            case CallBegan():
                self._limiter.began(message.call_id, message.at)
                if message.call_id == self._probe_call:
                    self._probe = self._probe_call = None
            case CalleeLeft():
                self._withdraw((message.call_id,))
            case CallEnded():
                self._learn(message.result.fault)
                self._withdraw((message.result.call.call_id,))
            case ServicesFailing():
                self._failing = message.services
            case ProbeWanted():
                self._probe = message
                self._to_offer, self._all_shut = self._directory.campaigns(), True
                self._offer_probe()
            case ProbeDeclined():
                self._return((message.call_id,), shut=message.shut)
            case TrunkConfigured():
                self._configure(message.limits)
            case Faster():
                self._keep_pace()
            case LookAgain():
                self._look_again()
            case Drain():
                self._draining = True
            case RoomAgain():
                pass
            case _:
                raise TypeError(f"a trunk can't do anything with {message!r}")
        self._release()
        self._grant()
        self._telemetry.trunk_calls(self._name, self._limiter.in_progress)

    def _want(self, wanted: PermitsWanted) -> None:
        for turns, count in ((self._turns, wanted.calls), (self._turns_ahead, wanted.ahead)):
            (turns.want if wanted.anew else turns.want_more)(wanted.campaign_id, count)
        self._generations[wanted.campaign_id] = wanted.generation

    def _configure(self, limits: CallLimits | None) -> None:
        self._configured = limits is not None
        if limits is not None:
            self._pace.configured = limits
            self._keep_pace()

    def _keep(self, campaign_id: UUID, kept: Mapping[UUID, datetime | None]) -> None:
        self._turns.want(campaign_id, 0)
        self._turns_ahead.want(campaign_id, 0)
        owned = [call for call, campaign in self._permits.items() if campaign == campaign_id]
        self._inherited.difference_update(owned)
        self._return([call for call in owned if call not in kept])
        for call_id, began_at in kept.items():
            self._permits[call_id] = campaign_id
            self._limiter.prepare(call_id)
            if began_at is not None:
                self._limiter.began(call_id, began_at)

    def _return(self, call_ids: Collection[UUID], *, shut: bool = False) -> None:
        """Nobody is called by these: if one was to be the probe, another campaign may have somebody to call."""
        self._withdraw(call_ids)
        if self._probe_call in call_ids:
            self._all_shut = self._all_shut and shut
            self._offer_probe()

    def _withdraw(self, call_ids: Iterable[UUID]) -> None:
        for call_id in call_ids:
            self._permits.pop(call_id, None)
            self._ready.pop(call_id, None)
            self._inherited.discard(call_id)
            self._limiter.ended(call_id)

    def _read_calls(self, connection: Connection) -> ledger.TrunkCalls:
        return ledger.read_calls(connection, self._name, self.clock.now(), self._supervisor_id)

    def _look_again(self) -> None:
        """Of the end of a call that its campaign has not said it keeps, nobody may tell us."""
        try:
            with self._pool.connection() as connection:
                found = {call_id for call_id, _, _ in self._read_calls(connection).in_progress}
        except OUTAGE as error:
            self.log.warning("trunk_calls_not_read", trunk=self._name, error=str(error))
        else:
            self._withdraw(self._inherited - found)
        self._look_later()

    def _look_later(self) -> None:
        if self._inherited:
            self.remind("look", self.clock.now() + LOOK_AGAIN, LookAgain())

    def _release(self) -> None:
        """Let those begin who are ready, as far as the windows allow. Who could begin only after another call's end is
        given back: campaigns have come with more calls than were known, or the limit was lowered, and nobody is to wait
        for so long in an empty room."""
        now = self.clock.now()
        for call_id, needs in list(self._ready.items()):
            if self._draining or self._failing_for(call_id, needs) or self._limiter.must_wait_for_an_end(call_id):
                del self._ready[call_id]
                self.tell(dialer_address(call_id), DoNotBegin())
                continue
            if not self._limiter.release(call_id, now):
                if (opens := self._limiter.next_release(now)) is not None:
                    self.remind("begin", opens, RoomAgain())
                return
            del self._ready[call_id]
            self.tell(dialer_address(call_id), Begin(self._limiter.limits))

    def _failing_for(self, call_id: UUID, needs: frozenset[str]) -> frozenset[str]:
        """The services that this call would need and must leave alone."""
        failing = self._failing & needs
        if self._probe is not None and call_id == self._probe_call:
            failing -= {self._probe.service}
        return failing

    def _grant(self) -> None:
        if not self._configured or self._draining or self._failing & {LIVEKIT, trunk_service(self._name)}:
            return
        now = self.clock.now()
        if self._turns.anyone():
            self._permit(self._turns.take(self._room(now)), ahead=False)
        if self._turns_ahead.anyone() and not self._turns.anyone():
            self._permit(self._turns_ahead.take(self._room_ahead(now)), ahead=True)
        opens = self._limiter.next_room(now, AHEAD) if self._turns.anyone() else None
        if opens is not None:
            self.remind("room", opens, RoomAgain())

    def _permit(self, shares: Mapping[UUID, int], *, ahead: bool) -> None:
        for campaign_id, count in shares.items():
            call_ids = tuple(new_id() for _ in range(count))
            for call_id in call_ids:
                self._limiter.prepare(call_id)
                self._permits[call_id] = campaign_id
            granted = PermitsGranted(self._name, call_ids, self._generations[campaign_id], ahead)
            if not self.tell(campaign_address(campaign_id), granted):
                self._withdraw(call_ids)

    def _room_ahead(self, now: datetime) -> int:
        kept_free = int((self._limiter.limits.concurrent or 0) * KEPT_FREE)
        return min(self._limiter.room(now, AHEAD) - kept_free, MOST_PREPARED // 2 - self._limiter.prepared)

    def _room(self, now: datetime) -> int:
        return max(min(self._limiter.room(now, AHEAD), MOST_PREPARED - self._limiter.prepared), 0)

    # Probes

    def _offer_probe(self) -> None:
        """To one campaign after the other, until one has somebody to call."""
        probe, now = self._probe, self.clock.now()
        may_offer = probe is not None and now < probe.until and self._configured
        while probe is not None and may_offer and self._to_offer and self._limiter.room(now) > 0:
            campaign_id, call_id = self._to_offer.pop(0), new_id()
            self._limiter.prepare(call_id)
            self._permits[call_id] = campaign_id
            self._probe_call = call_id
            if self.tell(campaign_address(campaign_id), ProbeOffered(self._name, call_id, probe.service)):
                return
            self._withdraw((call_id,))
        if probe is not None:
            self._probe = self._probe_call = None
            shut = self._all_shut and not self._to_offer
            self.tell(BREAKERS, ProbeReturned(probe.service, probe.generation, shut=shut))

    # Pace

    def _learn(self, fault: Fault | None) -> None:
        now = self.clock.now()
        match fault:
            case Fault.PACE:
                self._pace.too_fast(self._limiter.begun, now)
            case Fault.CONCURRENCY:
                self._pace.too_many(self._limiter.in_progress, now)
            case _:
                return
        self._keep_pace()
        self.log.warning("trunk_slowed_down", trunk=self._name, limits=str(self._limiter.limits))
        try:
            with self._pool.connection() as connection:
                ledger.write_pace(connection, self._name, self._pace.snapshot())
        except OUTAGE as error:
            # It is known here, and learned again by whoever comes next.
            self.log.warning("pace_not_written", trunk=self._name, error=str(error))

    def _keep_pace(self) -> None:
        now = self.clock.now()
        self._limiter.limits = limits = self._pace.limits(now)
        self._telemetry.trunk_limits(self._name, limits)
        if (change := self._pace.next_change(now)) is not None:
            self.remind("faster", change, Faster())
