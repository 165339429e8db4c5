"""The timer thread: "tell this actor this message at that time"."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime

import structlog

from actors.actor import Reminder
from actors.addresses import Address, Directory
from actors.clock import Clock


class TimerThread:
    """One thread and a heap for all reminders of the process (the contract is `actors.actor.Timer`).

    A reminder whose actor is gone is dropped: whoever is started in its place sets its own. Cancelled entries stay in
    the heap until they are its first, and are dropped together then: nearly all are cancelled, and to wake for each
    would want the interpreter several times for each call.
    """

    def __init__(self, clock: Clock, directory: Directory, on_death: Callable[[BaseException], None]) -> None:
        """`on_death` is called if the thread ever ends by an error: the process can't go on without it."""
        self._clock = clock
        self._on_death = on_death
        self._directory = directory
        self._changed = threading.Condition()
        self._heap: list[tuple[datetime, int, Address, Reminder]] = []  # by time, then by generation
        self._current: set[int] = set()  # generations
        self._asked: list[Future[None]] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._live, name="timer", daemon=True)
        clock.on_move(self._wake)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def stop(self) -> None:
        """Tell nothing any more; returns when the thread has ended."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def tell_at(self, instant: datetime, address: Address, reminder: Reminder) -> None:
        with self._changed:
            self._current.add(reminder.generation)
            heapq.heappush(self._heap, (instant, reminder.generation, address, reminder))
            if self._heap[0][1] == reminder.generation:
                self._changed.notify()

    def cancel(self, generation: int) -> None:
        with self._changed:
            self._current.discard(generation)

    def turn(self) -> Future[None]:
        """Done as soon as the thread has come round: proof that it turns. Never for an actor to wait on."""
        asked: Future[None] = Future()
        with self._changed:
            self._asked.append(asked)
            self._changed.notify()
        return asked

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()

    def _live(self) -> None:
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001 - reported, and the process ends
            structlog.get_logger().error("timer_died", error=str(error))
            self._on_death(error)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._answer()
                while not self._stopping and not self._first_is_due():
                    self._changed.wait(self._clock.real_seconds_until(self._heap[0][0]) if self._heap else None)
                    self._answer()
                if self._stopping:
                    return
                _, _, address, reminder = heapq.heappop(self._heap)
                self._current.remove(reminder.generation)
            self._directory.tell(address, reminder)

    def _answer(self) -> None:
        while self._asked:
            self._asked.pop().set_result(None)

    def _first_is_due(self) -> bool:
        while self._heap and self._heap[0][1] not in self._current:
            heapq.heappop(self._heap)
        return bool(self._heap) and self._heap[0][0] <= self._clock.now()
