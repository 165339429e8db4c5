"""The event loop thread: LiveKit's client, the HTTP server and the database's listener run on it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import structlog

T = TypeVar("T")


class LoopThread:
    """An asyncio loop in a thread of its own. Actors hand it coroutines and are told the result by a message."""

    def __init__(self, on_death: Callable[[BaseException], None]) -> None:
        self._loop = asyncio.new_event_loop()
        self._on_death = on_death
        self._begun: set[asyncio.Task[Any]] = set()  # a loop holds its tasks only weakly
        self._thread = threading.Thread(target=self._run, name="event-loop", daemon=True)

    def start(self) -> None:
        """Run the loop; if it ever ends by an error `on_death` is called: the process can't go on without it."""
        self._thread.start()

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Run `work` on the loop, from any thread. It tells by itself what came of it, and raises nothing."""
        self._loop.call_soon_threadsafe(self._begin, work)

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run `work` on the loop, from any thread; the future is for a done-callback or the edge, never for an actor
        to wait on."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """Run `work` on the loop and wait: for the process's start and stop only."""
        return self.submit(work).result(timeout_s)

    def stop(self) -> None:
        """Cancel what still runs and end the thread; also after the loop has died."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        if pending:
            self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _begin(self, work: Coroutine[Any, Any, object]) -> None:
        task = self._loop.create_task(work)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        except BaseException as error:  # noqa: BLE001 - reported, and the process ends
            structlog.get_logger().error("event_loop_died", error=str(error))
            self._on_death(error)
