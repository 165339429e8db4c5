"""The watchdog is fed only while everything turns that the service depends on, and the drain keeps feeding it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pykka
import pytest

from actors.addresses import SUPERVISOR, Address
from supervisor import service
from supervisor.database.embedded import _STOP_SIGNALS
from supervisor.heartbeat import Heartbeat
from supervisor.notify import ServiceManager
from supervisor.simulator import Answer
from supervisor.tree.loop import LoopThread
from supervisor.tree.round_trip import RoundTrip
from tests.systemd.listening import Listening
from tests.tree.people import Hold, Life, Tree
from tests.waiting import wait_until
from tests.world import World

LONG_S, SHORT_S = 10.0, 0.05
TALKER = "+79450000101"


@pytest.fixture
def tree() -> Iterator[Tree]:
    made = Tree()
    made.start()
    yield made
    made.close()


def test_all_answer_who_turn(tree: Tree, loop: LoopThread) -> None:
    tree.supervise()
    assert RoundTrip(tree.directory, loop, tree.timer).silent(LONG_S) == []


def test_a_supervisor_whose_mailbox_does_not_move_is_silent(tree: Tree, loop: LoopThread) -> None:
    trip = RoundTrip(tree.directory, loop, tree.timer)
    tree.alone(Life(), SUPERVISOR)
    assert trip.silent(LONG_S) == []
    with _open_at_the_end() as gate:
        tree.tell(SUPERVISOR, Hold(gate))
        assert trip.silent(SHORT_S) == ["supervisor"]
    assert trip.silent(LONG_S) == []


def test_a_supervisor_that_is_dead_or_gone_is_silent(tree: Tree, loop: LoopThread) -> None:
    trip = RoundTrip(tree.directory, loop, tree.timer)
    assert trip.silent(LONG_S) == ["supervisor"]
    tree.alone(Life(), SUPERVISOR).stop(timeout=10)
    assert trip.silent(LONG_S) == ["supervisor"]


def test_an_event_loop_that_is_held_up_is_silent(tree: Tree, loop: LoopThread) -> None:
    tree.supervise()

    async def hold(gate: threading.Event) -> None:
        gate.wait(LONG_S)

    with _open_at_the_end() as gate:
        loop.submit(hold(gate))
        assert RoundTrip(tree.directory, loop, tree.timer).silent(SHORT_S) == ["event loop"]
    assert RoundTrip(tree.directory, loop, tree.timer).silent(LONG_S) == []


def test_a_timer_that_does_not_turn_is_silent(tree: Tree, loop: LoopThread) -> None:
    tree.supervise()
    tree.timer.stop()
    assert RoundTrip(tree.directory, loop, tree.timer).silent(SHORT_S) == ["timer"]


def test_the_watchdog_is_fed_and_told_what_the_service_does(still_world: World, systemd: Listening) -> None:
    still_world.start()
    heartbeat = Heartbeat(ServiceManager(systemd.environment(watchdog_s=60)), still_world.service)
    heartbeat.running()
    heartbeat.running()
    assert systemd.heard() == [{"WATCHDOG": "1", "STATUS": "0 campaigns, 0 calls in progress"}], (
        "at most one an interval"
    )


def test_the_watchdog_is_not_fed_for_a_tree_that_does_not_answer(still_world: World, systemd: Listening) -> None:
    still_world.start()
    supervisor = still_world.service.directory.find(SUPERVISOR)
    assert supervisor is not None
    heartbeat = Heartbeat(ServiceManager(systemd.environment(watchdog_s=60)), still_world.service)
    supervisor.stop(timeout=10)
    heartbeat.running()
    heartbeat.draining()
    assert systemd.heard() == []


def test_the_main_thread_wakes_at_least_twice_as_often_as_the_watchdog_asks(
    still_world: World, systemd: Listening
) -> None:
    still_world.start()
    for watchdog_s in (0.2, 1, 30):
        heartbeat = Heartbeat(ServiceManager(systemd.environment(watchdog_s)), still_world.service)
        assert heartbeat.interval_s <= watchdog_s / 2


def test_the_drain_feeds_the_watchdog_and_asks_for_more_time_as_long_as_calls_are_up(
    fast_world: World, systemd: Listening
) -> None:
    world = fast_world
    world.livekit.set_script({TALKER: [Answer(ring_s=1, talk_s=100_000)]})
    world.campaign("endless", [TALKER], "[call]\nmax_call_duration_s = 86400\nagent_timeout_s = 60")
    world.start()
    wait_until(lambda: any(call["state"] == "answered" for call in world.calls("endless")), 20)
    heartbeat = Heartbeat(ServiceManager(systemd.environment(watchdog_s=1)), world.service)
    hurry = threading.Event()
    with ThreadPoolExecutor(1) as main_thread:
        drained = main_thread.submit(world.service.drain, 600, hurry, heartbeat.draining)
        wait_until(lambda: len(systemd.heard()) >= 6, 20)
        hurry.set()
        assert drained.result(20) == 1
    fed = [message for message in systemd.heard() if "WATCHDOG" in message]
    extended = [message for message in systemd.heard() if "EXTEND_TIMEOUT_USEC" in message]
    assert len(fed) >= 3 and len(extended) >= 3
    assert {message["STATUS"] for message in fed} == {"draining: 1 call in progress"}
    assert {int(message["EXTEND_TIMEOUT_USEC"]) for message in extended} == {20_000_000}


class Hanging:
    """Lives at an address and never ends; that is waited for on a clock of the test's."""

    def __init__(self, clock: list[float]) -> None:
        self._clock = clock

    def tell(self, message: object) -> None: ...

    def stop(self, *, block: bool) -> Hanging:
        return self

    def get(self, timeout: float) -> None:
        self._clock[0] += timeout
        raise pykka.Timeout


def test_however_many_actors_hang_a_stop_and_that_of_postgresql_take_less_time_than_systemd_is_asked_for(
    still_world: World, systemd: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    still_world.start()
    clock = [0.0]
    monkeypatch.setattr(service, "monotonic", lambda: clock[0])
    kinds = ("reconciler", "census", "dialer", "calls", "jobs", "recording", "roster", "trunk", "breakers")
    for kind in kinds:
        still_world.service.directory.enter(Address(f"{kind}:hangs"), Hanging(clock))  # type: ignore[arg-type]
    Heartbeat(ServiceManager(systemd.environment(watchdog_s=60)), still_world.service).closing()
    still_world.stop()
    (asked,) = (int(message["EXTEND_TIMEOUT_USEC"]) / 1e6 for message in systemd.heard())
    assert clock[0] + sum(limit_s for _, limit_s in _STOP_SIGNALS) < asked


@contextmanager
def _open_at_the_end() -> Iterator[threading.Event]:
    gate = threading.Event()
    try:
        yield gate
    finally:
        gate.set()
