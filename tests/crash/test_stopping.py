"""SIGTERM, SIGSTOP and SIGCONT, and two supervisors of one database: one of them works a campaign, never both."""

from __future__ import annotations

import os
import signal
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import pytest

from supervisor.simulator import Answer
from tests.crash.contacts import BUSY, LONG, contacts
from tests.crash.part import Part
from tests.crash.promises import check_nobody_was_hung_up_on, most_within
from tests.crash.scene import LEASE_S, Scene
from tests.waiting import wait_until

CALLS_PER_SECOND = 10

IDLE_TIMEOUT_S = 5
"""PostgreSQL's patience with a transaction whose process stands still (supervisor.database.pool)."""


def a_service_that_is_told_to_stop_ends_its_calls_and_the_next_goes_on(scene: Scene) -> None:
    scene.campaign("spring", contacts(12))
    for _ in range(2):
        before = len(scene.livekit.rings())
        service = scene.ready()
        wait_until(lambda before=before: len(scene.livekit.rings()) >= before + 4, 20)  # type: ignore[misc]
        scene.stop(service)
        assert scene.livekit.state()["calls_in_progress"] == 0
    service = scene.ready()
    scene.wait_until_completed(service)
    scene.stop(service)
    assert not _interrupted(scene)
    check_nobody_was_hung_up_on(scene)


def calls_that_go_on_while_the_service_is_dead_are_taken_over_at_once(scene: Scene) -> None:
    talk = (Answer(ring_s=0.2, talk_s=12.0),)
    scene.campaign("spring", contacts(20, [talk]), max_concurrent_calls=None)
    service = scene.ready()
    wait_until(lambda: len(_answered(scene)) == 20, 60)
    scene.kill(service)
    service = scene.service()
    wait_until(lambda: "service_ready" in service.err, 20)
    wait_until(lambda: service.err.count("call_taken_over") == 20, 30)
    scene.wait_until_completed(service)
    assert {call["outcome"] for call in scene.read("SELECT * FROM calls WHERE counts")} == {"answered"}
    assert len(scene.livekit.rings()) == 20
    scene.stop(service)
    check_nobody_was_hung_up_on(scene)


def two_supervisors_share_the_campaigns(scene: Scene) -> None:
    for number in range(6):
        scene.campaign(f"c{number}", contacts(12, campaign=number), max_concurrent_calls=1)
    services = [scene.ready("a"), scene.ready("b")]
    wait_until(lambda: _owned(scene) == {"a": 3, "b": 3}, 60)
    scene.wait_until_completed(*services)
    for service in services:
        scene.stop(service)
    assert not _interrupted(scene)
    begun = [row["dialing_at"] for row in scene.read("SELECT dialing_at FROM calls WHERE dialing_at IS NOT NULL")]
    assert most_within(timedelta(seconds=1), begun) <= CALLS_PER_SECOND, "their trunk's limit holds for both together"


def of_two_supervisors_one_is_killed_and_the_other_takes_over_all_its_campaigns(scene: Scene) -> None:
    for number in range(20):
        scene.campaign(f"c{number:02}", contacts(6, [(LONG,), (BUSY, LONG)], campaign=number), max_concurrent_calls=1)
    first, second = scene.service("a"), scene.service("b")
    for service in (first, second):
        scene.wait_until_ready(service)
    wait_until(lambda: _owned(scene).get("b", 0) >= 3, 60)
    scene.kill(first)
    killed_at = datetime.now(UTC)
    wait_until(lambda: set(_owned(scene)) <= {"b"}, LEASE_S + 2)
    assert datetime.now(UTC) - killed_at < timedelta(seconds=LEASE_S + 2)
    scene.wait_until_completed(second)
    scene.stop(second)
    check_nobody_was_hung_up_on(scene)


def one_that_stood_still_longer_than_its_lease_dials_and_writes_nothing_more(scene: Scene) -> None:
    for number in range(4):
        scene.campaign(f"c{number}", contacts(30, campaign=number), max_concurrent_calls=2)
    first, second = scene.ready("a"), scene.ready("b")
    wait_until(lambda: _owned(scene).keys() == {"a", "b"} and _in_progress(scene, "a"), 60)
    os.kill(first.pid, signal.SIGSTOP)
    scene.died()
    wait_until(lambda: set(_owned(scene)) == {"b"}, LEASE_S + IDLE_TIMEOUT_S + 2)
    taken = {row["campaign_id"]: row["epoch"] for row in _leases(scene)}
    rung = {ring.room for ring in scene.livekit.rings()}
    os.kill(first.pid, signal.SIGCONT)
    scene.died()
    scene.wait_until_completed(first, second)
    for row in scene.read("SELECT * FROM calls WHERE id::text = ANY(%s)", _new_ids(scene, rung)):
        assert row["epoch"] >= taken[row["campaign_id"]], "dialed under a lease that was lost"
    for service in (first, second):
        scene.stop(service)


def _new_ids(scene: Scene, rung: set[str]) -> list[str]:
    rooms = {ring.room for ring in scene.livekit.rings()} - rung
    return [room.removeprefix("campaignd-") for room in rooms]


def _answered(scene: Scene) -> list[object]:
    return [row["id"] for row in scene.read("SELECT id FROM calls WHERE state = 'answered'")]


def _leases(scene: Scene) -> list[dict[str, object]]:
    return scene.read(
        "SELECT l.*, left(v.who, 1) AS owner FROM campaign_leases l JOIN crash_lives v USING (supervisor_id)"
        " JOIN campaigns c ON c.id = l.campaign_id AND c.status = 'running'"
    )


def _owned(scene: Scene) -> dict[str, int]:
    """How many running campaigns each service works."""
    owners = [str(row["owner"]) for row in _leases(scene)]
    return {owner: owners.count(owner) for owner in owners}


def _in_progress(scene: Scene, owner: str) -> bool:
    working = [row["campaign_id"] for row in _leases(scene) if row["owner"] == owner]
    calls = scene.read("SELECT FROM calls WHERE state IN ('dialing', 'answered') AND campaign_id = ANY(%s)", working)
    return bool(calls)


def _interrupted(scene: Scene) -> list[dict[str, object]]:
    return scene.read("SELECT * FROM calls WHERE outcome = 'interrupted'")


ALONE = (
    a_service_that_is_told_to_stop_ends_its_calls_and_the_next_goes_on,
    calls_that_go_on_while_the_service_is_dead_are_taken_over_at_once,
)
TOGETHER = (
    two_supervisors_share_the_campaigns,
    of_two_supervisors_one_is_killed_and_the_other_takes_over_all_its_campaigns,
    one_that_stood_still_longer_than_its_lease_dials_and_writes_nothing_more,
)
PARTS = (
    *(Part(act.__name__, act) for act in ALONE),
    *(Part(act.__name__, act, services=("a", "b"), calls_per_second=CALLS_PER_SECOND) for act in TOGETHER),
)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_it_holds(played: dict[Part, Future[None]], part: Part) -> None:
    played[part].result(115)
