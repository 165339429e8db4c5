"""The event loop thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any

import pytest

from supervisor.tree.loop import LoopThread
from tests.waiting import wait_until


class Loop:
    """A loop thread and what it told of its death."""

    def __init__(self) -> None:
        self.deaths: list[BaseException] = []
        self.thread = LoopThread(self.deaths.append)
        self.thread.start()


async def forever(started: threading.Event, ended: list[str]) -> None:
    started.set()
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)  # cleaning up may take its turns
        ended.append("cleaned up")


def submit_forever(loop: Loop) -> tuple[Any, list[str]]:
    started, ended = threading.Event(), list[str]()
    future = loop.thread.submit(forever(started, ended))
    assert started.wait(5)
    return future, ended


def test_stop_cancels_what_runs_and_lets_it_clean_up() -> None:
    loop = Loop()
    future, ended = submit_forever(loop)
    loop.thread.stop()
    assert ended == ["cleaned up"]
    with pytest.raises(CancelledError):
        future.result(0)
    assert not loop.thread._thread.is_alive()
    assert loop.deaths == []


def test_stop_is_not_held_up_by_one_that_fails_when_it_is_cancelled() -> None:
    loop = Loop()
    started = threading.Event()

    async def stubborn() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("while cleaning up")

    loop.thread.submit(stubborn())
    assert started.wait(5)
    _, ended = submit_forever(loop)
    loop.thread.stop()
    assert ended == ["cleaned up"]


def test_what_is_run_answers_or_raises_in_the_thread_that_asked() -> None:
    loop = Loop()

    async def name() -> str:
        return threading.current_thread().name

    async def fail() -> None:
        raise ValueError("on purpose")

    try:
        assert loop.thread.run(name(), 5) == "event-loop"
        with pytest.raises(ValueError, match="on purpose"):
            loop.thread.run(fail(), 5)
        with pytest.raises(TimeoutError):
            loop.thread.run(asyncio.sleep(1000), 0.01)
        assert loop.deaths == [], "an exception of what it runs is not its own"
    finally:
        loop.thread.stop()


@pytest.mark.parametrize("death", [SystemExit, KeyboardInterrupt])
def test_its_death_is_told_and_it_can_still_be_stopped(death: type[BaseException]) -> None:
    loop = Loop()
    _, ended = submit_forever(loop)

    async def die() -> None:
        raise death("on purpose")

    dying: Coroutine[Any, Any, None] = die()
    loop.thread.submit(dying)
    wait_until(lambda: [type(error) for error in loop.deaths] == [death])
    loop.thread.stop()
    assert ended == ["cleaned up"]
