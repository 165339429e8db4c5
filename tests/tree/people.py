"""Actors that live and die as a test wants, and what is around them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pykka

from actors.actor import Actor, Surroundings
from actors.addresses import SUPERVISOR, Address, Directory
from actors.supervision import ChildDown, Restart, StartChild
from supervisor.tree.supervisor import AreYouThere, ChildSpec, Supervisor
from supervisor.tree.timer import TimerThread
from tests.manual_clock import ManualClock
from tests.waiting import wait_until
from tests.world import TUESDAY

CHILD = Address("child")
DEATHS: list[type[BaseException]] = [ValueError, SystemExit, KeyboardInterrupt, asyncio.CancelledError]
"""Bare, pykka would answer all but the first of these by stopping every actor of the process."""


@dataclass(frozen=True)
class Remind:
    """Set a reminder."""

    key: str
    at: datetime
    message: object


@dataclass(frozen=True)
class Forget:
    """Take a reminder back."""

    key: str


@dataclass(frozen=True)
class PutBehind:
    """Have a message received behind all that lies in the mailbox."""

    message: object


@dataclass(frozen=True)
class Hold:
    """Do nothing until the gate opens: what is told meanwhile lies in the mailbox."""

    gate: threading.Event


@dataclass
class Life:
    """What an actor does at each point of its life, and what it has seen. `dies_in`: where it raises `death`."""

    dies_in: str | None = None
    death: BaseException = field(default_factory=lambda: ValueError("on purpose"))
    born: int = 0
    seen: list[Any] = field(default_factory=list)
    stop_gate: threading.Event | None = None

    def reaches(self, point: str) -> None:
        if self.dies_in == point:
            raise self.death


class Child(Actor):
    """Sees messages; raises where its `Life` says so, and on a message that is an exception."""

    def __init__(
        self, address: Address, generation: int, parent: Address, surroundings: Surroundings, life: Life
    ) -> None:
        super().__init__(address, generation, parent, surroundings)
        self._life = life
        life.born += 1
        life.reaches("__init__")

    def started(self) -> None:
        self._life.reaches("started")

    def stopped(self) -> None:
        if self._life.stop_gate is not None:
            self._life.stop_gate.wait(10)
        self._life.reaches("stopped")

    def receive(self, message: Any) -> Any:
        self._life.reaches("receive")
        match message:
            case Remind():
                self.remind(message.key, message.at, message.message)
            case Forget():
                self.forget(message.key)
            case PutBehind():
                self.afterwards(message.message)
            case Hold():
                message.gate.wait(10)
            case BaseException():
                raise message
            case _:
                self._life.seen.append(message)
        return message


class Registrar:
    """Lives at a parent's address, and keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def tell(self, message: object) -> None:
        self.told.append(message)


class Telemetry:
    """Counts restarts."""

    def __init__(self) -> None:
        self.restarted: list[str] = []
        self.quarantined: list[str] = []

    def actor_kinds(self, kinds: Collection[str]) -> None: ...

    def actor_restarted(self, kind: str) -> None:
        self.restarted.append(kind)

    def actor_quarantined(self, kind: str) -> None:
        self.quarantined.append(kind)


class Tree:
    """A directory, a clock that is moved by hand and its timer thread; on demand a Supervisor too."""

    def __init__(self) -> None:
        self.clock = ManualClock(TUESDAY)
        self.seconds = 0.0  # on the stopwatch
        self.deaths: list[BaseException | None] = []
        self.directory = Directory()
        self.timer = TimerThread(self.clock, self.directory, self.deaths.append)
        self.surroundings = Surroundings(self.clock, self.timer, self.directory, lambda: self.seconds)
        self.telemetry = Telemetry()
        self.lives: dict[Address, Life] = {}
        self.generations: list[tuple[Address, int]] = []  # in the order of their making
        self.supervisors: list[pykka.ActorRef[Any]] = []
        self.running: list[pykka.ActorRef[Any]] = []
        self.quarantined: list[tuple[StartChild, str]] = []
        self._restarts: dict[str, Restart] = {"child": Restart.PERMANENT, **{kind.value: kind for kind in Restart}}

    def start(self) -> None:
        self.timer.start()

    def close(self) -> None:
        self.timer.stop()
        for life in self.lives.values():
            life.dies_in = None
            if life.stop_gate is not None:
                life.stop_gate.set()
        for ref in (*self.supervisors, *self.running):
            ref.stop(timeout=10)

    def advance(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def at(self, seconds: float) -> datetime:
        return TUESDAY + timedelta(seconds=seconds)

    # Without a Supervisor

    def alone(self, life: Life, address: Address = CHILD, parent: Address = SUPERVISOR) -> pykka.ActorRef[Any]:
        """An actor that nobody starts again."""
        self.lives[address] = life
        return self._start_child(address, 1, parent, life)

    def registrar(self, address: Address = SUPERVISOR) -> Registrar:
        made = Registrar()
        self.directory.enter(address, made)  # type: ignore[arg-type]
        return made

    # With a Supervisor

    def supervise(
        self, *children: Address, kind: str = "child", first: tuple[StartChild, ...] | None = None
    ) -> pykka.ActorRef[Any]:
        """A Supervisor with these children."""
        specs = {
            name: ChildSpec(name, lambda address, generation, _: self._supervised(address, generation), restart)
            for name, restart in self._restarts.items()
        }
        specs["dispensable"] = replace(
            specs["child"], kind="dispensable", quarantined=lambda child, why: self.quarantined.append((child, why))
        )
        specs["campaign"] = replace(specs["dispensable"], kind="campaign", for_good=True)
        ref = Supervisor.start(
            self.surroundings,
            specs=specs,
            first=[StartChild(address, kind, "") for address in children] if first is None else first,
            telemetry=self.telemetry,
            on_death=self.deaths.append,
            chance=lambda: 0.0,
        )
        self.supervisors.append(ref)
        return ref

    def life(self, address: Address = CHILD) -> Life:
        return self.lives.setdefault(address, Life())

    def up(self) -> int:
        """How many children the Supervisor has; asked behind everything that it was told before."""
        supervisor = self.directory.find(SUPERVISOR)
        assert supervisor is not None
        answer: int = supervisor.ask(AreYouThere(), timeout=10)
        return answer

    def tell(self, address: Address, message: object) -> None:
        assert self.directory.tell(address, message), f"nobody lives at {address}"

    def ask(self, address: Address, message: object) -> Any:
        resident = self.directory.find(address)
        assert resident is not None, f"nobody lives at {address}"
        return resident.ask(message, timeout=10)

    def wait_for_generation(self, generation: int, address: Address = CHILD) -> None:
        wait_until(lambda: (address, generation) in self.generations, what=f"{address} in generation {generation}")

    def _supervised(self, address: Address, generation: int) -> pykka.ActorRef[Any]:
        self.generations.append((address, generation))
        return self._start_child(address, generation, SUPERVISOR, self.life(address))

    def _start_child(self, address: Address, generation: int, parent: Address, life: Life) -> pykka.ActorRef[Any]:
        ref = Child.start(address, generation, parent, self.surroundings, life)
        self.running.append(ref)
        return ref


def downs(told: list[Any]) -> list[ChildDown]:
    return [message for message in told if isinstance(message, ChildDown)]
