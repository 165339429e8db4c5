"""The breakers' actor at work: a real PostgreSQL, the simulated LiveKit, and a clock that the test moves."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

from actors.addresses import BREAKERS, campaign_address, trunk_address
from actors.blame import Fault
from actors.breakers.actor import Breakers
from actors.breakers.breaker import BreakerLimits
from actors.breakers.gateway import ProbeGateway
from actors.call import CallResult
from actors.campaign.messages import CallEnded, ServicesFailing
from actors.ids import new_id
from actors.outcomes import Outcome
from supervisor.database.pool import open_pool
from supervisor.metrics import Metrics
from supervisor.simulator import SimulatorThread
from supervisor.tree.loop import LoopThread
from tests.campaign.book import Book
from tests.dialer.mailbox import a_call
from tests.livekit_rooms import jobs, rooms
from tests.tree.people import Registrar, Tree
from tests.waiting import wait_until
from tests.world import KEY, SECRET

LIMITS = BreakerLimits(
    failure_rate=0.5,
    minimum_calls=3,
    window=timedelta(seconds=30),
    open_for=timedelta(seconds=30),
    max_open_for=timedelta(seconds=600),
    probe_within=timedelta(hours=1),  # of agents: tests move the clock faster than LiveKit answers
)
AGENT_TIMEOUT = timedelta(seconds=10)


class Process:
    """One process: its breakers, its directory, and who else lives there."""

    def __init__(self, tree: Tree, dsn: str, livekit: SimulatorThread, loop: LoopThread) -> None:
        self.tree = tree
        self._loop, self._livekit = loop, livekit
        self.metrics = Metrics("1")
        self.closing = ExitStack()
        self.pool = open_pool(dsn, 2)
        self.closing.callback(self.pool.close)
        self.probes = ProbeGateway(loop, tree.directory, livekit.url, KEY, SECRET, timeout_s=5)
        loop.run(self.probes.open(), 5)
        self.closing.callback(lambda: loop.run(self.probes.close(), 5))
        self.trunk = tree.registrar(trunk_address("main"))
        self.supervisor = tree.registrar()

    def start(self) -> None:
        """Start the actor, also once more after it was stopped."""
        self.actor = Breakers.start(
            BREAKERS,
            1,
            self.tree.surroundings,
            pool=self.pool,
            probes=self.probes,
            telemetry=self.metrics,
            limits=LIMITS,
            trunks=["main"],
            agent_timeout=AGENT_TIMEOUT,
            supervisor_id=new_id(),
        )

    def crash(self) -> None:
        """The actor dies of what it can't read, and leaves everything as it is."""
        self.tell("what no actor knows")
        wait_until(lambda: not self.actor.is_alive())

    def close(self) -> None:
        self.actor.stop(timeout=10)
        self.closing.close()

    def tell(self, message: object) -> None:
        assert self.tree.directory.tell(BREAKERS, message)

    def is_counted(self, service: str, state: str) -> bool:
        """Whether this is the service's state, as Prometheus sees it."""
        return self.metrics.registry.get_sample_value("campaignd_breaker_state", _labels(service, state)) == 1

    def is_untried(self, service: str) -> bool:
        """Whether nobody may be called to try the service, as Prometheus sees it."""
        return self.metrics.registry.get_sample_value("campaignd_breaker_untried", {"service": service}) == 1

    def changes(self, service: str) -> dict[str, int]:
        """How often the service's breaker came into each state, by a decision of this process."""
        name, states = "campaignd_breaker_transitions_total", ("open", "half_open", "closed")
        values = {state: self.metrics.registry.get_sample_value(name, _labels(service, state)) for state in states}
        return {state: int(value) for state, value in values.items() if value}

    def participants(self) -> int:
        """Who is in LiveKit's rooms now."""
        return sum(room.num_participants for room in rooms(self._livekit).values())

    def jobs(self) -> list[str]:
        """What agents were told that were sent for to LiveKit's rooms."""
        return jobs(self._livekit)

    def campaign(self, campaign_id: UUID) -> Registrar:
        """A campaign that lives here."""
        return self.tree.registrar(campaign_address(campaign_id))

    def ended(self, outcome: Outcome, fault: Fault | None = None, *, trunk: str = "main", **changes: Any) -> None:
        """A call was asked for and is over, now."""
        now = self.tree.clock.now()
        values = {"dialing_at": now, "error": f"SIP 503 of {trunk}" if fault else None, **changes}
        call = a_call(trunk=trunk, call_id=new_id())
        self.tell(CallEnded(CallResult(call, outcome, now, fault=fault, **values)))

    def fail(self, count: int = LIMITS.minimum_calls, *, trunk: str = "main") -> None:
        """So many calls fail by the trunk's fault."""
        for _ in range(count):
            self.ended(Outcome.TRUNK_FAILED, Fault.TRUNK, trunk=trunk)


def _labels(service: str, state: str) -> dict[str, str]:
    return {"service": service, "state": state}


def last(told: Registrar, kind: type[Any]) -> Any:
    """The last that was told of this kind; None: nothing yet."""
    return next((message for message in reversed(told.told) if isinstance(message, kind)), None)


def failing(*services: str, probing: tuple[str, ...] = ()) -> ServicesFailing:
    return ServicesFailing(frozenset(services), frozenset(probing))


def wait_for(told: Registrar, message: object) -> None:
    """Wait until this is the last of its kind that was told."""
    wait_until(lambda: last(told, type(message)) == message, what=f"{message}, told of {told.told}")


class Ledger(Book):
    """The tables, as a test reads them."""

    def state(self, service: str) -> str | None:
        rows = self.read("SELECT state FROM circuit_breakers WHERE service = %s", service)
        return rows[0]["state"] if rows else None

    def wait_for_state(self, service: str, state: str) -> None:
        wait_until(lambda: self.state(service) == state, what=f"{service} to be {state}")

    def status(self, campaign: UUID) -> tuple[str, str | None, str | None]:
        (row,) = self.read("SELECT status, status_message, status_error FROM campaigns WHERE id = %s", campaign)
        return row["status"], row["status_message"], row["status_error"]

    def wait_for_status(self, campaign: UUID, status: str) -> None:
        wait_until(lambda: self.status(campaign)[0] == status, what=f"the campaign to be {status}")

    def holds(self, campaign: UUID) -> list[str]:
        return [row["hold"] for row in self.read("SELECT hold FROM campaign_holds WHERE campaign_id = %s", campaign)]

    def change(self, campaign: UUID, column: str, value: object) -> None:
        self.connection.execute(f"UPDATE campaigns SET {column} = %s WHERE id = %s", (value, campaign))
