"""What every actor is: a mailbox, a way to tell others, reminders, and a death that does not go unnoticed."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import psycopg
import pykka
import structlog
from psycopg_pool import PoolClosed, PoolTimeout

from actors.addresses import Activity, Address, Directory
from actors.clock import Clock
from actors.numbers import masked
from actors.supervision import ChildDown, GivenUp

_generations = itertools.count(1)
"""Of reminders, over all actors: one meant for an actor that has died is not taken for one of its successor's."""


@dataclass(frozen=True)
class Reminder:
    """A message that an actor has sent to itself through the timer. A generation that is no longer current was
    replaced or cancelled while it lay in the mailbox, and is never seen."""

    key: str
    generation: int
    message: object


@dataclass(frozen=True)
class Afterwards:
    """A message that an actor has put behind those which lay in its mailbox."""

    message: object


class Timer(Protocol):
    """The timer thread: tells an actor a message at a time."""

    def tell_at(self, instant: datetime, address: Address, reminder: Reminder) -> None:
        """Tell `reminder` at `instant` of the clock."""
        ...

    def cancel(self, generation: int) -> None:
        """Forget the reminder of this generation, if it has not been told. No other: one that hung, and wakes, has no
        say in the reminders of its successor."""
        ...


@dataclass(frozen=True)
class Surroundings:
    """What every actor is given: the time, the timer and the way to others."""

    clock: Clock
    timer: Timer
    directory: Directory
    stopwatch: Callable[[], float]
    """Real seconds, whatever the clock: for what hangs, or stood still."""


class Actor(pykka.ThreadingActor):
    """The base of all our actors.

    Subclasses implement `started`, `receive` and `stopped`, all of which run in the actor's own thread, one at a
    time. They may wait for PostgreSQL, briefly and with a timeout; never for the network, another actor or a clock.
    Whatever escapes from them ends this actor, and only this one; its parent is told, once, and takes its address
    out of the directory.
    """

    # One that hangs must not hold up the end of the process: what it left undone is taken over by the next.
    use_daemon_thread = True

    @staticmethod
    def _create_actor_inbox() -> Any:
        """pykka's own is a `queue.Queue`, whose Condition lets a thread wake twice for one message."""
        return queue.SimpleQueue()

    def __init__(self, address: Address, generation: int, parent: Address, surroundings: Surroundings) -> None:
        super().__init__()
        self.address = address
        self.clock = surroundings.clock
        self.stopwatch = surroundings.stopwatch
        self.log = structlog.get_logger().bind(actor=address)
        self._generation = generation
        self._parent = parent
        self._timer = surroundings.timer
        self._directory = surroundings.directory
        self._reminders: dict[str, int] = {}  # key → current generation
        self._pending: dict[str, tuple[datetime, object]] = {}  # key → what the timer holds
        self._afterwards: set[object] = set()
        self._end_reported = False
        self._activity = Activity(self.stopwatch())
        # Before its thread runs, so that no answer to what it asks in `started` can miss it.
        self._directory.enter(address, self.actor_ref, self._activity)

    def _start_actor_loop(self) -> None:
        try:
            super()._start_actor_loop()
        except RuntimeError as error:
            self._directory.leave(self.address)
            raise NoThreadError(str(error)) from error

    def started(self) -> None:
        """Called once, before the first message."""

    def receive(self, message: Any) -> Any:
        """Called for each message; what it returns answers an `ask`."""
        raise NotImplementedError

    def stopped(self) -> None:
        """Called once after an orderly stop; not after a crash."""

    def tell(self, address: Address, message: object) -> bool:
        """Tell another actor; False when nobody lives at that address. Raises SupersededError."""
        self.be_current()
        return self._directory.tell(address, message)

    def be_current(self) -> None:
        """Raises SupersededError in one that hung, and whose address another has: it must not act any more."""
        if self._directory.find(self.address) is not self.actor_ref:
            raise SupersededError(f"{self.address} has been given to another")

    def afterwards(self, message: object) -> None:
        """Have `message` received behind all that lies in the mailbox now; once, however often this is said before."""
        if message not in self._afterwards:
            self._afterwards.add(message)
            self.actor_ref.tell(Afterwards(message))

    def remind(self, key: str, instant: datetime, message: object) -> None:
        """Have `message` received at `instant`, instead of what was asked for under this key before."""
        if self._pending.get(key) == (instant, message):
            return
        self.forget(key)
        self._pending[key] = (instant, message)
        self._reminders[key] = generation = next(_generations)
        self._timer.tell_at(instant, self.address, Reminder(key, generation, message))

    def forget(self, key: str) -> None:
        """Take back a reminder; it is not received any more even if it lies in the mailbox already."""
        if self._pending.pop(key, None) is not None:
            self._timer.cancel(self._reminders.pop(key))

    def on_start(self) -> None:
        try:
            self.started()
            self._activity.since = None
        except BaseException as error:
            self._report_end(error)
            raise _as_exception(error) from error

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Reminder):
            if self._reminders.get(message.key) != message.generation:
                return None
            del self._pending[message.key], self._reminders[message.key]
            message = message.message
        elif isinstance(message, Afterwards):
            message = message.message
            self._afterwards.remove(message)
        if isinstance(message, GivenUp):
            raise SupersededError(f"{self.address} has been given to another")
        self._activity.since = self.stopwatch()
        try:
            return self.receive(message)
        except BaseException as error:
            raise _as_exception(error) from error
        finally:
            self._activity.since = None

    def on_failure(self, exception_type: Any, exception_value: BaseException | None, traceback: Any) -> None:
        self._report_end(exception_value)

    def on_stop(self) -> None:
        self._activity.since = self.stopwatch()
        try:
            self.stopped()
        except BaseException as error:
            self._report_end(error)
            raise _as_exception(error) from error
        self._report_end(None)

    def _report_end(self, error: BaseException | None) -> None:
        if self._end_reported:
            return
        self._end_reported = True
        self._activity.since = self.stopwatch()
        for generation in self._reminders.values():
            self._timer.cancel(generation)
        reason = None if error is None else describe(error)
        if error is not None and not isinstance(error, SupersededError):  # else it is known that it hung
            self.log.error("actor_died", error=reason, generation=self._generation, exc_info=error)
        outage = error is not None and is_outage(error)
        self._directory.tell(self._parent, ChildDown(self.address, self._generation, reason, outage))


class ActorFailure(Exception):
    """Stands for a SystemExit or CancelledError in an actor: bare, pykka would stop every actor of the process."""


class NoThreadError(Exception):
    """There is no thread to be had for an actor: the machine, or the process, has as many as it may."""


class SupersededError(Exception):
    """This actor hung, and another has taken its address meanwhile: nobody listens to it any more."""


def describe(error: BaseException) -> str:
    """An error in one line, for logs and people. PostgreSQL's can quote a whole row: no number in it is shown."""
    return masked(f"{type(error).__name__}: {' '.join(str(error).split())}")


def is_outage(error: BaseException) -> bool:
    """Whether PostgreSQL was away, or did not answer in time, or there was no thread to be had: nothing that whoever
    met it could do better."""
    return isinstance(error, (*OUTAGE, NoThreadError))


OUTAGE = (
    psycopg.OperationalError,
    PoolTimeout,
    PoolClosed,
    # A server that is being changed for another, and this process having stood still: psycopg counts them as others.
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
"""What PostgreSQL's absence raises: whoever can do without it for a while catches all of these."""


def _as_exception(error: BaseException) -> Exception:
    return error if isinstance(error, Exception) else ActorFailure(describe(error))
