"""The simulator in a thread of its own, for tests and for the demo."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from .behaviours import Script
from .knobs import Knobs
from .rings import Ring
from .server import Simulator

T = TypeVar("T")
# Real seconds that a question to the simulator may take before its thread counts as stuck.
_WITHIN_S = 30.0


class SimulatorThread:
    """Runs a Simulator in its own thread and event loop; takes the same arguments. Usable from any thread.

    A context manager; `stop` leaves neither thread nor socket behind, and raises what failed in the background.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, **arguments: Any) -> None:
        self._simulator = Simulator(**arguments)
        self._host = host
        self._port = port
        self._listening = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """Where it listens; stays known after it was stopped."""
        return self._url

    def start(self) -> SimulatorThread:
        """Returns when it listens. Raises OSError when it can't. Can be started once."""
        if self._thread is not None:
            raise RuntimeError("the simulator was started before")
        self._thread = threading.Thread(target=self._run, name="simulated-livekit", daemon=True)
        self._thread.start()
        self._listening.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def stop(self) -> None:
        """Returns when it is gone. Harmless when repeated."""
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None or self._stop is None:
            return
        if thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        thread.join()
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> SimulatorThread:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def knobs(self) -> Knobs:
        """The settings in force."""
        return self._simulator.knobs

    def set_knobs(self, **changes: Any) -> None:
        """As Simulator.set_knobs; in force when this returns."""
        self._ask(lambda: self._simulator.set_knobs(**changes))

    def set_script(self, script: Script) -> None:
        """As Simulator.set_script."""
        self._ask(lambda: self._simulator.set_script(script))

    def set_webhook_url(self, url: str | None) -> None:
        """As Simulator.set_webhook_url."""
        self._ask(lambda: self._simulator.set_webhook_url(url))

    def rings(self) -> list[Ring]:
        """Every ring so far; also after it was stopped."""
        return self._ask(self._simulator.rings)

    def state(self) -> dict[str, Any]:
        """As Simulator.state; also after it was stopped."""
        return self._ask(self._simulator.state)

    def go_down(self) -> None:
        """As Simulator.go_down: the API's connections are lost and refused until `come_back`; calls go on."""
        self._do(self._simulator.go_down)

    def come_back(self) -> None:
        """As Simulator.come_back."""
        self._do(self._simulator.come_back)

    def _ask(self, question: Callable[[], T]) -> T:
        if self._thread is None or self._loop is None:
            return question()

        async def answer() -> T:
            return question()

        return asyncio.run_coroutine_threadsafe(answer(), self._loop).result(_WITHIN_S)

    def _do(self, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._thread is None or self._loop is None:
            raise RuntimeError("the simulator is not running")
        asyncio.run_coroutine_threadsafe(action(), self._loop).result(_WITHIN_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that asks for start or stop
            self._failure = error
        finally:
            self._listening.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await self._simulator.start(self._host, self._port)
        self._url = self._simulator.url
        self._listening.set()
        try:
            await self._stop.wait()
        finally:
            await self._simulator.stop()
