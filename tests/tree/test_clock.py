"""The clocks: none ever goes back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

import supervisor.clock
from actors.actor import Reminder
from actors.addresses import Address
from supervisor.clock import FastClock, SystemClock
from supervisor.tree.timer import TimerThread
from tests.manual_clock import ManualClock
from tests.tree.people import Tree
from tests.waiting import wait_until
from tests.world import TUESDAY

SECOND = timedelta(seconds=1)


class Machine:
    """Stands in for `datetime` and `time` in the clock's module: a wall that can be set, and the time since boot."""

    def __init__(self) -> None:
        self.wall = TUESDAY
        self.since_boot = 1000.0

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.since_boot += seconds

    def now(self, zone: object) -> datetime:
        assert zone is UTC
        return self.wall

    def monotonic(self) -> float:
        return self.since_boot


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(supervisor.clock, "datetime", made)
    monkeypatch.setattr(supervisor.clock, "time", made)
    return made


def test_the_systems_clock_is_the_walls(machine: Machine) -> None:
    clock = SystemClock()
    for _ in range(10):
        machine.passes(3600)
        assert clock.now() == machine.wall


def test_it_never_goes_back_however_the_wall_is_set(machine: Machine) -> None:
    clock = SystemClock()
    readings = []
    for step in (0.5, -0.5, 10, -3600, 2, -2, 7200, -7200, 86_400, -1, -86_400, 3, 1, 0):
        machine.passes(0.25)
        machine.wall += timedelta(seconds=step)
        readings.append(clock.now())
    assert readings == sorted(readings)


def test_it_follows_a_wall_that_jumps_forward(machine: Machine) -> None:
    """A suspended machine, or a clock corrected at last: calling hours are the wall's."""
    clock = SystemClock()
    machine.wall += timedelta(hours=8)
    assert clock.now() == machine.wall
    machine.passes(5)
    assert clock.now() == machine.wall


def test_it_goes_at_half_the_speed_until_a_wall_that_was_set_back_has_caught_up(machine: Machine) -> None:
    clock = SystemClock()
    machine.passes(100)
    before = clock.now()
    machine.wall -= timedelta(minutes=10)
    machine.passes(10)
    assert clock.now() == before + timedelta(seconds=5)
    for _ in range(1300):
        machine.passes(1)
        assert clock.now() > before
    assert abs(clock.now() - machine.wall) <= timedelta(seconds=2)


def test_it_is_not_shaken_by_a_wall_that_wavers(machine: Machine) -> None:
    """Within a second the monotonic clock is believed: intervals are what limits are made of."""
    clock = SystemClock()
    machine.wall += timedelta(seconds=0.9)
    assert clock.now() == TUESDAY
    machine.wall -= timedelta(seconds=1.8)
    machine.since_boot += 0.1
    assert clock.now() == TUESDAY + timedelta(seconds=0.1)


def test_how_long_to_wait_is_never_negative(machine: Machine) -> None:
    clock = SystemClock()
    assert clock.real_seconds_until(TUESDAY + 30 * SECOND) == 30
    assert clock.real_seconds_until(TUESDAY - 30 * SECOND) == 0


def test_the_systems_clock_can_be_read_from_every_thread() -> None:
    clock = SystemClock()
    wrong: list[tuple[datetime, datetime]] = []

    def read() -> None:
        last = clock.now()
        for _ in range(5_000):
            reading = clock.now()
            if reading < last:
                wrong.append((last, reading))
            last = reading

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=2)


@pytest.mark.parametrize("speed", [0.5, 1, 100])
def test_the_fast_clock_runs_at_its_speed(machine: Machine, speed: float) -> None:
    clock = FastClock(TUESDAY, speed)
    assert clock.now() == TUESDAY
    machine.passes(2)
    assert clock.now() == TUESDAY + 2 * speed * SECOND
    assert clock.real_seconds_until(clock.now() + speed * SECOND) == pytest.approx(1)
    assert clock.real_seconds_until(TUESDAY) == 0
    machine.wall -= timedelta(days=1)
    assert clock.now() == TUESDAY + 2 * speed * SECOND, "it has nothing to do with the wall"


def test_a_timer_on_the_fast_clock_is_as_fast() -> None:
    tree = Tree()
    heir = tree.registrar(Address("child"))
    clock = FastClock(TUESDAY, 3600)
    timer = TimerThread(clock, tree.directory, tree.deaths.append)
    timer.start()
    try:
        asked = clock.now()
        timer.tell_at(asked + timedelta(minutes=5), Address("child"), Reminder("a", 0, "hello"))
        wait_until(lambda: heir.told, timeout_s=5)
        assert clock.now() - asked >= timedelta(minutes=5)
    finally:
        timer.stop()


def test_the_manual_clock_only_moves_forward_and_wakes_who_waits() -> None:
    clock = ManualClock(TUESDAY)
    woken: list[datetime] = []
    clock.on_move(lambda: woken.append(clock.now()))
    assert clock.real_seconds_until(TUESDAY + SECOND) is None
    clock.advance(SECOND)
    assert clock.now() == TUESDAY + SECOND
    assert woken == [TUESDAY + SECOND]
    assert clock.real_seconds_until(TUESDAY + SECOND) == 0
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-SECOND)
    assert clock.now() == TUESDAY + SECOND
