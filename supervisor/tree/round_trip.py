"""Does the process still do anything? Asked of the three on whom everything else depends."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import pykka

from actors.addresses import SUPERVISOR, Directory
from supervisor.tree.loop import LoopThread
from supervisor.tree.supervisor import AreYouThere
from supervisor.tree.timer import TimerThread


class RoundTrip:
    """Through the Supervisor's mailbox, the event loop and the timer. Every other actor is watched by the Supervisor.
    For the main thread, which may wait."""

    def __init__(self, directory: Directory, loop: LoopThread, timer: TimerThread) -> None:
        self._directory = directory
        self._loop = loop
        self._timer = timer

    def silent(self, within_s: float) -> list[str]:
        """Who has not answered within this time, in real seconds. All are asked at once."""
        deadline = monotonic() + within_s
        answers: dict[str, Callable[[float], object]] = {
            "supervisor": self._ask_supervisor(),
            "event loop": self._loop.submit(_turn()).result,
            "timer": self._timer.turn().result,
        }
        return [who for who, answer in answers.items() if not _comes(answer, deadline)]

    def _ask_supervisor(self) -> Callable[[float], object]:
        resident = self._directory.find(SUPERVISOR)
        if resident is None:
            return _no_answer
        future = resident.ask(AreYouThere(), block=False)
        return lambda timeout_s: future.get(timeout=timeout_s)


async def _turn() -> None:
    """That this runs is the answer."""


def _no_answer(timeout_s: float) -> object:
    raise TimeoutError


def _comes(answer: Callable[[float], object], deadline: float) -> bool:
    try:
        answer(max(deadline - monotonic(), 0))
    except (TimeoutError, pykka.Timeout, pykka.ActorDeadError):
        return False
    return True
