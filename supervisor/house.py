"""How each actor is made and what it is given: the one place where the parts of the process meet."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pykka
import structlog
from psycopg_pool import ConnectionPool

from actors.actor import Surroundings
from actors.addresses import (
    BREAKERS,
    CALLS,
    CENSUS,
    JOBS,
    RECONCILER,
    RECORDING,
    ROSTER,
    SUPERVISOR,
    Address,
    trunk_address,
)
from actors.breakers.actor import Breakers
from actors.breakers.gateway import ProbeGateway
from actors.call import Call
from actors.campaign.actor import Campaign
from actors.campaign.census import Census
from actors.campaign.last_calls import LastCalls
from actors.campaign.readings import Readings
from actors.dialer.actor import Dialer
from actors.dialer.calls import Calls
from actors.dialer.gateway import Gateway, Line
from actors.dialer.ledger import CallRow
from actors.dialer.reconciler import Reconciler
from actors.jobs.actor import SHORTEST_LEASE, Jobs
from actors.jobs.ledger import Claimant
from actors.recording.actor import Recordings
from actors.roster import leases, statuses
from actors.roster.actor import Roster
from actors.roster.messages import LastCallsGivenUp, Quarantined
from actors.supervision import Restart, StartChild
from actors.telemetry import Telemetry
from actors.trunk.actor import Trunk
from supervisor.config.load import Snapshot
from supervisor.config.rules import breaker_limits, jobs_pace, trunk_limits
from supervisor.config.service import TrunkSettings
from supervisor.studio import Studio
from supervisor.tree.supervisor import ChildSpec, Supervisor

Ref = pykka.ActorRef[Any]

_AGENT_PROBE_TIMEOUT = timedelta(seconds=10)


def start_trunk(name: str) -> StartChild:
    """What has the Supervisor start a trunk's actor, unless there is one."""
    return StartChild(trunk_address(name), "trunk", name)


def lines(trunks: Mapping[str, TrunkSettings]) -> dict[str, Line]:
    """Trunks as LiveKit knows them, by our names."""
    return {name: Line(trunk.livekit_trunk_id, trunk.from_number) for name, trunk in trunks.items()}


@dataclass(frozen=True)
class House:
    """Makes actors, by the configuration as it is applied at that moment; holds nothing of its own."""

    surroundings: Surroundings
    pool: ConnectionPool
    readings: Readings
    gateway: Gateway
    telemetry: Telemetry
    snapshot: Callable[[], Snapshot]
    probes: ProbeGateway
    studio: Studio
    supervisor: leases.Supervisor
    installation: str
    lease: timedelta
    longest_dial: timedelta

    def start_supervisor(self, on_death: Callable[[BaseException | None], None]) -> Ref:
        """Start the tree, in the order in which actors need each other: breakers say what fails, trunks give permits,
        Calls place calls, the Roster starts campaigns that ask for all of it."""
        first = [
            StartChild(BREAKERS, "breakers", ""),
            *(start_trunk(name) for name in self.snapshot().service.trunks),
            StartChild(CALLS, "calls", ""),
            StartChild(ROSTER, "roster", ""),
            StartChild(RECONCILER, "reconciler", ""),
            StartChild(JOBS, "jobs", ""),
            StartChild(RECORDING, "recording", ""),
            StartChild(CENSUS, "census", ""),
        ]
        specs = (
            ChildSpec("breakers", self._start_breakers, Restart.PERMANENT),
            ChildSpec("trunk", self._start_trunk, Restart.PERMANENT, drains=True),
            ChildSpec("calls", self._start_calls, Restart.PERMANENT),
            ChildSpec("roster", self._start_roster, Restart.PERMANENT, drains=True),
            ChildSpec(
                "campaign", self._start_campaign, Restart.TRANSIENT, self._quarantine, for_good=True, drains=True
            ),
            ChildSpec("reconciler", self._start_reconciler, Restart.PERMANENT),
            ChildSpec("last calls", self._start_last_calls, Restart.TRANSIENT, self._give_up_last_calls),
            ChildSpec("recording", self._start_recordings, Restart.PERMANENT, self._start_recordings_anew),
            # Calling goes on without them.
            ChildSpec("jobs", self._start_jobs, Restart.PERMANENT, self._give_up_jobs),
            ChildSpec("census", self._start_census, Restart.PERMANENT, self._give_up_census),
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

    def _give_up_last_calls(self, child: StartChild, error: str) -> None:
        structlog.get_logger().error(
            "last_calls_given_up", campaign_id=child.argument, error=error, until="the next start"
        )
        for address in (ROSTER, CALLS):
            self.surroundings.directory.tell(address, LastCallsGivenUp(UUID(child.argument)))

    def _start_recordings_anew(self, child: StartChild, error: str) -> None:
        """Calls go on, and so do recordings, whatever happens: only that they keep dying is said loudly."""
        structlog.get_logger().error("recordings_keep_dying", error=error)
        self.surroundings.directory.tell(SUPERVISOR, child)

    def _start_recordings(self, address: Address, generation: int, _: str) -> Ref:
        return Recordings.start(
            address,
            generation,
            self.surroundings,
            pool=self.pool,
            gateway=self.studio.gateway,
            workers=self.studio.workers,
            storage=self.studio.storage,
            transcription=self.studio.transcription,
            telemetry=self.telemetry,
            supervisor_id=self.supervisor.id,
            source=self.studio.source,
            rules=self.studio.rules,
            chance=random.random,
        )

    def _give_up_jobs(self, child: StartChild, error: str) -> None:
        structlog.get_logger().error("jobs_given_up", error=error, until="the next start")

    def _start_jobs(self, address: Address, generation: int, _: str) -> Ref:
        return Jobs.start(
            address,
            generation,
            self.surroundings,
            pool=self.pool,
            telemetry=self.telemetry,
            claimant=Claimant(self.supervisor.id, max(self.lease, SHORTEST_LEASE)),
            pace=jobs_pace(self.snapshot().service.jobs),
            start_campaign=statuses.start,
        )

    def _start_census(self, address: Address, generation: int, _: str) -> Ref:
        return Census.start(
            address,
            generation,
            self.surroundings,
            supervisor_id=self.supervisor.id,
            pool=self.pool,
            telemetry=self.telemetry,
        )

    def _give_up_census(self, child: StartChild, error: str) -> None:
        structlog.get_logger().error("census_given_up", error=error, until="the next start")

    def _start_breakers(self, address: Address, generation: int, _: str) -> Ref:
        service = self.snapshot().service
        return Breakers.start(
            address,
            generation,
            self.surroundings,
            pool=self.pool,
            probes=self.probes,
            telemetry=self.telemetry,
            limits=breaker_limits(service.breaker),
            trunks=tuple(service.trunks),
            agent_timeout=_AGENT_PROBE_TIMEOUT,
            supervisor_id=self.supervisor.id,
        )

    def _start_trunk(self, address: Address, generation: int, name: str) -> Ref:
        trunk = self.snapshot().service.trunks.get(name)
        return Trunk.start(
            address,
            generation,
            self.surroundings,
            name=name,
            supervisor_id=self.supervisor.id,
            limits=None if trunk is None else trunk_limits(trunk),
            pool=self.pool,
            telemetry=self.telemetry,
        )

    def _start_calls(self, address: Address, generation: int, _: str) -> Ref:
        return Calls.start(
            address,
            generation,
            self.surroundings,
            start_dialer=self._start_dialer,
            pool=self.pool,
            telemetry=self.telemetry,
        )

    def _start_dialer(self, address: Address, generation: int, call: Call, resume: bool, stands: CallRow | None) -> Ref:
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
            stands=stands,
            longest_dial=self.longest_dial,
        )

    def _start_roster(self, address: Address, generation: int, _: str) -> Ref:
        return Roster.start(
            address,
            generation,
            self.surroundings,
            pool=self.pool,
            supervisor=self.supervisor,
            lease=self.lease,
            telemetry=self.telemetry,
        )

    def _start_campaign(self, address: Address, generation: int, campaign_id: str) -> Ref:
        return Campaign.start(
            address,
            generation,
            self.surroundings,
            campaign_id=UUID(campaign_id),
            supervisor_id=self.supervisor.id,
            pool=self.pool,
            readings=self.readings,
            telemetry=self.telemetry,
            chance=random.random,
        )

    def _start_last_calls(self, address: Address, generation: int, campaign_id: str) -> Ref:
        return LastCalls.start(
            address,
            generation,
            self.surroundings,
            campaign_id=UUID(campaign_id),
            supervisor_id=self.supervisor.id,
            pool=self.pool,
        )

    def _start_reconciler(self, address: Address, generation: int, _: str) -> Ref:
        return Reconciler.start(
            address,
            generation,
            self.surroundings,
            supervisor_id=self.supervisor.id,
            installation=self.installation,
            pool=self.pool,
            gateway=self.gateway,
        )
