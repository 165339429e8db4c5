"""How each actor is made and what it is given: the one place where the parts of the process meet."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pykka
from psycopg_pool import ConnectionPool

from actors.actor import Surroundings
from actors.addresses import CALLS, ROSTER, Address, trunk_address
from actors.campaign.actor import Campaign
from actors.dialer.actor import Dialer
from actors.dialer.calls import Calls
from actors.dialer.gateway import Gateway
from actors.dialer.messages import Call
from actors.limiter import CallLimits
from actors.roster import leases
from actors.roster.actor import Roster
from actors.roster.messages import Quarantined
from actors.supervision import Restart, StartChild
from actors.telemetry import Telemetry
from actors.trunk.actor import Trunk
from supervisor.config.service import TrunkSettings
from supervisor.tree.supervisor import ChildSpec, Supervisor

Ref = pykka.ActorRef[Any]


@dataclass(frozen=True)
class House:
    """Makes actors; holds nothing of its own."""

    surroundings: Surroundings
    pool: ConnectionPool
    gateway: Gateway
    telemetry: Telemetry
    trunks: Mapping[str, TrunkSettings]
    supervisor: leases.Supervisor
    lease: timedelta
    longest_dial: timedelta

    def start_supervisor(self, on_death: Callable[[BaseException | None], None]) -> Ref:
        """Start the tree, in the order in which actors need each other: trunks give permits, Calls place calls, the
        Roster starts campaigns that ask for both."""
        first = [
            *(StartChild(trunk_address(name), "trunk", name) for name in self.trunks),
            StartChild(CALLS, "calls", ""),
            StartChild(ROSTER, "roster", ""),
        ]
        specs = (
            ChildSpec("trunk", self._start_trunk, Restart.PERMANENT),
            ChildSpec("calls", self._start_calls, Restart.PERMANENT),
            ChildSpec("roster", self._start_roster, Restart.PERMANENT, drains=True),
            ChildSpec("campaign", self._start_campaign, Restart.TRANSIENT, self._quarantine, drains=True),
        )
        return Supervisor.start(
            self.surroundings,
            specs={spec.kind: spec for spec in specs},
            first=first,
            telemetry=self.telemetry,
            on_death=on_death,
            chance=random.random,
        )

    def _quarantine(self, child: StartChild, error: str) -> None:
        self.surroundings.directory.tell(ROSTER, Quarantined(UUID(child.argument), error))

    def _start_trunk(self, address: Address, generation: int, name: str) -> Ref:
        trunk = self.trunks[name]
        limits = CallLimits(trunk.max_concurrent_calls, trunk.calls_per_minute, trunk.calls_per_second)
        return Trunk.start(
            address,
            generation,
            self.surroundings,
            name=name,
            supervisor_id=self.supervisor.id,
            limits=limits,
            pool=self.pool,
        )

    def _start_calls(self, address: Address, generation: int, _: str) -> Ref:
        return Calls.start(
            address, generation, self.surroundings, start_dialer=self._start_dialer, telemetry=self.telemetry
        )

    def _start_dialer(self, address: Address, generation: int, call: Call, resume: bool) -> Ref:
        return Dialer.start(
            address,
            generation,
            CALLS,
            self.surroundings,
            pool=self.pool,
            gateway=self.gateway,
            telemetry=self.telemetry,
            call=call,
            resume=resume,
            longest_dial=self.longest_dial,
        )

    def _start_roster(self, address: Address, generation: int, _: str) -> Ref:
        return Roster.start(
            address, generation, self.surroundings, pool=self.pool, supervisor=self.supervisor, lease=self.lease
        )

    def _start_campaign(self, address: Address, generation: int, campaign_id: str) -> Ref:
        return Campaign.start(
            address,
            generation,
            self.surroundings,
            campaign_id=UUID(campaign_id),
            supervisor_id=self.supervisor.id,
            pool=self.pool,
            telemetry=self.telemetry,
            chance=random.random,
        )
