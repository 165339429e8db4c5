"""The service is killed at every step of a call's life, and started again: nobody is called twice, nobody forgotten."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from functools import partial

import pytest

from actors import faults
from supervisor.simulator import Ring
from tests.crash.contacts import SHORT, contacts
from tests.crash.part import Part
from tests.crash.promises import check_nobody_was_hung_up_on, most_within
from tests.crash.scene import Scene
from tests.waiting import wait_until

CALLS_PER_SECOND = 5

Moment = Callable[[Ring], bool]
MOMENTS: dict[str, Moment] = {
    "a phone rings": lambda ring: ring.answered_at is None and ring.ended_at is None,
    "somebody talks": lambda ring: ring.answered_at is not None and ring.ended_at is None,
    "a call ends": lambda ring: ring.answered_at is not None and ring.ended_at is not None,
    "a phone was not answered": lambda ring: ring.answered_at is None and ring.ended_at is not None,
}


def dies_at(scene: Scene, *, point: str) -> None:
    """When it gets there for the first time; and the next one when it gets there for the fourth."""
    scene.campaign("spring", contacts(12), recorded=True)
    for nth in (1, 4):
        _live_until(scene, f"{point}:{nth}", 40)
    _live_on(scene)
    begun = [row["dialing_at"] for row in scene.read("SELECT dialing_at FROM calls WHERE dialing_at IS NOT NULL")]
    assert most_within(timedelta(seconds=1), begun) <= CALLS_PER_SECOND
    forgotten = scene.read(
        "SELECT FROM calls c WHERE answered_at IS NOT NULL AND outcome = 'answered'"
        " AND NOT EXISTS (SELECT FROM recordings r WHERE r.call_id = c.id)"
    )
    assert not forgotten, "a call that was to be recorded has no recording to be expected"


def dies_when(scene: Scene, *, moment: Moment) -> None:
    """Three times at that moment, each time of another phone than before."""
    scene.campaign("spring", contacts(12))
    seen: set[str] = set()

    def has_come() -> bool:
        return any(ring.room not in seen and moment(ring) for ring in scene.livekit.rings())

    for _ in range(3):
        service = scene.service()
        wait_until(has_come, 30)
        scene.kill(service)
        seen.update(ring.room for ring in scene.livekit.rings())
    _live_on(scene)


def dies_at_its_pace(scene: Scene) -> None:
    """While its calls per minute bind: a restart gives it no second minute."""
    scene.campaign("spring", contacts(8, [(SHORT,)]), max_concurrent_calls=2, calls_per_minute=7)
    for kill_at in ("after_settle:1", "after_answer:1"):
        _live_until(scene, kill_at, 75)
    _live_on(scene, timeout_s=100)


def _live_until(scene: Scene, kill_at: str, timeout_s: float) -> None:
    service = scene.service(kill_at=kill_at)
    assert service.end(timeout_s) == -signal.SIGKILL, service.err
    scene.died()


def _live_on(scene: Scene, timeout_s: float = 60) -> None:
    service = scene.service()
    scene.wait_until_completed(service, timeout_s=timeout_s)
    scene.stop(service)
    check_nobody_was_hung_up_on(scene)


PARTS = (
    *(Part(point, partial(dies_at, point=point), calls_per_second=CALLS_PER_SECOND) for point in faults.POINTS),
    *(Part(f"when {name}", partial(dies_when, moment=moment)) for name, moment in MOMENTS.items()),
    Part("at its pace", dies_at_its_pace, long=True),
)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_whoever_is_killed_goes_on_where_it_stopped(played: dict[Part, Future[None]], part: Part) -> None:
    played[part].result(115)
