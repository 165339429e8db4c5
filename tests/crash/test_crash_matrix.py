"""The service is killed at every step of a call's life, and started again: nobody is called twice, nobody forgotten."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest

from actors import faults
from supervisor.simulator import Ring
from tests.acceptance.running import Running
from tests.crash.conftest import MakeDatabase
from tests.crash.contacts import SHORT, contacts
from tests.crash.promises import check, most_within
from tests.crash.scene import Scene
from tests.waiting import wait_until

AT_ONCE = 6
"""Scenes side by side, on two cores."""
CALLS_PER_SECOND = 5

Case = tuple[str, ...]
"""Where each life of the service ends but the last, which may live on."""

MATRIX: list[Case] = [
    case for point in faults.POINTS for case in ((f"{point}:1",), (f"{point}:4", f"{point}:2"))
]  # fmt: skip

Moment = Callable[[Ring], object]
MOMENTS: dict[str, Moment] = {
    "a phone rings": lambda ring: ring.answered_at is None and ring.result is None,
    "somebody talks": lambda ring: ring.answered_at is not None and ring.ended_at is None,
    "a call ends": lambda ring: ring.answered_at is not None and ring.ended_at is not None,
    "a phone was not answered": lambda ring: ring.answered_at is None and ring.ended_at is not None,
}


def dies_at(scene: Scene, case: Case) -> None:
    scene.campaign("spring", contacts(12))
    for kill_at in case:
        service = scene.service(kill_at=kill_at)
        assert service.end(40) == -signal.SIGKILL, service.err
        scene.died()
    _live_on(scene)
    begun = [row["dialing_at"] for row in scene.read("SELECT dialing_at FROM calls WHERE dialing_at IS NOT NULL")]
    assert most_within(timedelta(seconds=1), begun) <= CALLS_PER_SECOND


def dies_when(scene: Scene, case: Case) -> None:
    """Three times at that moment, each time of another phone than before."""
    (name,) = case
    scene.campaign("spring", contacts(12))
    seen: set[str] = set()
    for _ in range(3):
        service = scene.service()
        wait_until(lambda service=service: service.ended or _new(scene, name, seen), 30)  # type: ignore[misc]
        scene.kill(service)
        seen.update(ring.room for ring in scene.livekit.rings())
    _live_on(scene)


def dies_at_its_pace(scene: Scene, case: Case) -> None:
    """Killed again and again while its calls per minute bind: a restart gives it no second minute."""
    scene.campaign("spring", contacts(6, [(SHORT,)]), calls_per_minute=6)
    for kill_at in case:
        service = scene.service(kill_at=kill_at)
        assert service.end(75) == -signal.SIGKILL, service.err
        scene.died()
    _live_on(scene, timeout_s=100)


SCENES: dict[str, tuple[Callable[[Scene, Case], None], Case]] = {
    **{f"when {name}": (dies_when, (name,)) for name in MOMENTS},
    **{", ".join(case): (dies_at, case) for case in MATRIX},
    "its pace": (dies_at_its_pace, ("after_settle:2", "after_answer:1")),
}


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest, make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[None]]]:
    """Every scene that was chosen, in the course of being played."""
    chosen = {getattr(item, "callspec", None) and item.callspec.params.get("name") for item in request.session.items}

    def play(name: str) -> None:
        act, case = SCENES[name]
        with Scene(tmp_path_factory.mktemp("crash"), make_database(), trunk=f"calls_per_second = {CALLS_PER_SECOND}") as scene:
            act(scene, case)
            check(scene)

    with ThreadPoolExecutor(AT_ONCE) as stage:
        longest_first = sorted(chosen & SCENES.keys(), key=lambda name: name != "its pace")
        yield {name: stage.submit(play, name) for name in longest_first}
        stage.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", SCENES)
def test_whoever_is_killed_goes_on_where_it_stopped(played: dict[str, Future[None]], name: str) -> None:
    played[name].result(115)


def _new(scene: Scene, moment: str, seen: set[str]) -> bool:
    return any(ring.room not in seen and MOMENTS[moment](ring) for ring in scene.livekit.rings())


def _live_on(scene: Scene, timeout_s: float = 60) -> None:
    service: Running = scene.service()
    scene.wait_until_completed(service, timeout_s=timeout_s)
    scene.stop(service)
