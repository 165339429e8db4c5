"""The Supervisor: knows how each child is made, starts it, and starts it again when it dies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pykka

from actors.actor import Actor, Surroundings, describe, is_outage
from actors.addresses import SUPERVISOR, Address
from actors.supervision import ChildDown, Drain, GivenUp, Restart, StartChild, StopChild
from actors.telemetry import Telemetry
from actors.vital_signs import PULSE, FeelPulse, VitalSigns
from supervisor.tree import restarts
from supervisor.tree.restarts import Restarts


@dataclass(frozen=True)
class ChildSpec:
    """How a kind of child is made. `start(address, generation, argument)` may raise: that is a death like any other.
    `quarantined` is told of a child that dies too often, which is not started again; a kind without it is one that the
    process can't do without."""

    kind: str
    start: Callable[[Address, int, str], pykka.ActorRef[Any]]
    restart: Restart
    quarantined: Callable[[StartChild, str], None] | None = None
    for_good: bool = False  # what is done then can't be taken back
    drains: bool = False  # is told of a Drain


class TooManyDeathsError(Exception):
    """The Supervisor gives up: what keeps dying is not to be mended from within."""


@dataclass(frozen=True)
class RestartChild:
    """Reminder: the time to start a dead child again."""

    address: Address


@dataclass(frozen=True)
class AreYouThere:
    """Asked by the main thread: answered with the number of children that are up. An answer proves that the
    Supervisor's mailbox moves."""


class Supervisor(Actor):
    """One for the process. Does no I/O of its own, so that nothing outside can hold it up.

    A child that died is started again, under the same address and with the next generation, after a delay that grows
    while it keeps dying; what an older generation still reports is ignored. One that hangs is as good as dead: its
    thread can't be ended, but nobody hears it any more. One that dies too often is quarantined, and nobody else
    notices. If it is one that the process can't do without, if too many of those die together, if most of a kind die
    that would be quarantined for good, or if the Supervisor itself fails, in its start or stop too, `on_death` is
    called, and the process ends: systemd starts another.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        specs: Mapping[str, ChildSpec],
        first: Sequence[StartChild],
        telemetry: Telemetry,
        on_death: Callable[[BaseException | None], None],
        chance: Callable[[], float],
    ) -> None:
        super().__init__(SUPERVISOR, 1, Address("main"), surroundings)
        self._specs = specs
        self._first = first
        self._telemetry = telemetry
        self._on_death = on_death
        self._chance = chance
        self._restarts: dict[Address, Restarts] = {}
        self._all_restarts = Restarts(restarts.ALL_TOGETHER)
        self._children: dict[Address, StartChild] = {}
        self._generations: dict[Address, int] = {}
        self._up: set[Address] = set()
        self._vital_signs = VitalSigns()
        self._draining = False
        self._stopping: set[Address] = set()  # told to stop, and not down yet

    def started(self) -> None:
        self._telemetry.actor_kinds(self._specs)
        for child in self._first:
            self._add(child)
        self._feel_pulse()

    def receive(self, message: Any) -> Any:
        match message:
            case StartChild():
                self._add(message)
            case StopChild():
                self._remove(message.address)
            case ChildDown():
                self._down(message)
            case FeelPulse():
                self._feel_pulse()
            case RestartChild():
                if message.address in self._children and message.address not in self._up:
                    self._start(message.address)
            case Drain():
                self._draining = True
                for child in self._children.values():
                    self._have_drained(child)
            case AreYouThere():
                return len(self._up)
            case _:
                raise TypeError(f"the supervisor can't do anything with {message!r}")
        return None

    def _report_end(self, error: BaseException | None) -> None:
        if error is not None and not self._end_reported:
            self._on_death(error)
        super()._report_end(error)

    def _feel_pulse(self) -> None:
        at_work = {address: since for address, since in self._directory.at_work().items() if address in self._up}
        for address in self._vital_signs.hanging(at_work, self.stopwatch()):
            self.tell(address, GivenUp())
            self.log.error("actor_hangs", child=address, generation=self._generations[address])
            self._down(ChildDown(address, self._generations[address], "it hangs: its mailbox does not move"))
        self.remind("pulse", self.clock.now() + PULSE, FeelPulse())

    def _add(self, child: StartChild) -> None:
        if child.address not in self._children:
            self._children[child.address] = child
            if child.address not in self._up:  # else it is still stopping: it is started when it is down
                self._start(child.address)

    def _remove(self, address: Address) -> None:
        if self._children.pop(address, None) is not None:
            self.forget(_restart_key(address))
            self._restarts.pop(address, None)
            resident = self._directory.find(address)
            if address in self._up and resident is not None:
                self._stopping.add(address)
                resident.stop(block=False)

    def _start(self, address: Address) -> None:
        child = self._children[address]
        spec = self._specs[child.kind]
        generation = self._generations.get(address, 0) + 1
        self._generations[address] = generation
        self._up.add(address)
        try:
            spec.start(address, generation, child.argument)
            if self._draining:
                self._have_drained(child)
        except BaseException as error:  # whatever a constructor raises is that child's death
            self.log.error("actor_not_started", child=address, generation=generation, exc_info=error)
            self._down(ChildDown(address, generation, describe(error), is_outage(error)))

    def _have_drained(self, child: StartChild) -> None:
        if self._specs[child.kind].drains:
            self.tell(child.address, Drain())

    def _down(self, down: ChildDown) -> None:
        if down.generation != self._generations.get(down.address):
            return
        asked = down.address in self._stopping
        self._stopping.discard(down.address)
        self._up.discard(down.address)
        self._directory.leave(down.address)
        child = self._children.get(down.address)
        if child is None:
            del self._generations[down.address]
            return
        if asked:  # for again, while it was stopping
            self._start(down.address)
            return
        spec = self._specs[child.kind]
        if spec.restart is Restart.TEMPORARY or (spec.restart is Restart.TRANSIENT and down.error is None):
            del self._children[down.address]
            return
        self._start_again(child, spec, down)

    def _start_again(self, child: StartChild, spec: ChildSpec, down: ChildDown) -> None:
        now = self.clock.now()
        history = self._restarts.setdefault(down.address, Restarts(restarts.CHILD))
        bearable = history.died(now, outage=down.outage)
        if spec.quarantined is None:
            bearable = self._all_restarts.died(now, outage=down.outage) and bearable
        if bearable:
            if not down.outage:
                self._telemetry.actor_restarted(spec.kind)
            self.remind(_restart_key(down.address), now + history.delay(self._chance()), RestartChild(down.address))
        elif spec.quarantined is None or (spec.for_good and self._most_die(spec.kind, now)):
            raise TooManyDeathsError(f"actors keep dying, the last one {down.address}: {down.error}")
        else:
            del self._children[down.address], self._restarts[down.address]
            self._telemetry.actor_quarantined(spec.kind)
            spec.quarantined(child, down.error or "it keeps stopping")

    def _most_die(self, kind: str, now: datetime) -> bool:
        """Whether more than half of this kind have died of late: then not what each of them works on is the cause, and
        quarantined all of them would be lost by it."""
        alike = [self._restarts.get(address) for address, child in self._children.items() if child.kind == kind]
        dying = sum(history is not None and history.of_late(now) > 0 for history in alike)
        return dying >= restarts.FEWEST_ALIKE and 2 * dying > len(alike)


def _restart_key(address: Address) -> str:
    return f"restart {address}"
