"""What must hold at rest, whatever was killed on the way (product.md, "Rules"; architecture.md, "State and truth")."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from actors.call import ROOM_PREFIX
from supervisor.simulator import Answer, Ring
from tests.crash.contacts import NEVER_AGAIN, Contact
from tests.crash.scene import MAX_RETRIES, Scene

MINUTE = timedelta(seconds=60)
_CLOCKS = timedelta(milliseconds=50)
"""How much later than it happened a death may be noticed."""


def check(scene: Scene) -> None:
    """Every attempt rang at most once; every contact was called as the rules say, no more and no less; the limits were
    kept; the counters are exact; and nobody wrote to a campaign that was another's."""
    rings = scene.livekit.rings()
    assert scene.livekit.state()["repeated_attempts"] == []
    by_room = {ring.room: ring for ring in rings}
    assert len(by_room) == len(rings), "an attempt rang twice"
    calls = scene.read("SELECT * FROM calls ORDER BY id")
    rooms = {f"{ROOM_PREFIX}{call['id']}" for call in calls}
    assert by_room.keys() <= rooms, "a phone rang for no attempt"
    by_task: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for call in calls:
        by_task[call["task_id"]].append(call)
    for campaign in scene.campaigns.values():
        (row,) = scene.read("SELECT * FROM campaigns WHERE slug = %s", campaign.slug)
        tasks = scene.read("SELECT * FROM call_tasks WHERE campaign_id = %s", row["id"])
        found = {task["phone_number"]: task for task in tasks}
        assert len(tasks) == len(found) == len(campaign.contacts), "a contact was lost, or came twice"
        for contact in campaign.contacts:
            task = found[contact.number]
            _check_contact(contact, task, by_task[task["id"]], by_room, scene)
        counted = Counter(task["status"] for task in tasks)
        assert row["total_tasks"] == len(tasks), row
        assert (row["completed_tasks"], row["failed_tasks"]) == (counted["completed"], counted["failed"]), row
        numbers = found.keys()
        if campaign.max_concurrent_calls is not None:
            most = _most_at_once([ring for ring in rings if ring.number in numbers])
            assert most <= campaign.max_concurrent_calls, f"{most} calls at once"
        if campaign.calls_per_minute is not None:
            begun = [call["dialing_at"] for call in calls if call["campaign_id"] == row["id"] and call["dialing_at"]]
            assert most_within(MINUTE, begun) <= campaign.calls_per_minute
    trespasses = scene.read("SELECT * FROM crash_trespasses ORDER BY at")
    assert trespasses == [], f"{len(trespasses)} writes to campaigns of others"


def check_nobody_was_hung_up_on(scene: Scene) -> None:
    """Every conversation lasted until the callee hung up, and nobody was called meanwhile who was talking to us."""
    everybody = {contact.number: contact for campaign in scene.campaigns.values() for contact in campaign.contacts}
    free_at: dict[str, datetime] = {}
    for ring in scene.livekit.rings():
        assert ring.ended_at is not None, f"still up: {ring}"
        assert free_at.get(ring.number, ring.at) <= ring.at, f"called while it was on the line: {ring}"
        free_at[ring.number] = ring.ended_at
        if ring.answered_at is not None:
            behaviour = everybody[ring.number].behaviour(ring.nth)
            assert isinstance(behaviour, Answer), ring
            missing = timedelta(seconds=behaviour.talk_s) - (ring.ended_at - ring.answered_at)
            assert missing <= _CLOCKS, f"hung up on {missing} before the end: {ring}"


def most_within(window: timedelta, begun: Iterable[datetime]) -> int:
    """The most that began within any such window, wherever it starts."""
    instants = sorted(begun)
    return max((sum(first <= at <= first + window for at in instants) for first in instants), default=0)


def _check_contact(
    contact: Contact,
    task: dict[str, Any],
    calls: Sequence[dict[str, Any]],
    rings: dict[str, Ring],
    scene: Scene,
) -> None:
    story = [(call["state"], call["outcome"], call["error_message"]) for call in calls]
    what = f"{contact.number}: {task['status']} after {story}"
    attempts = []
    for call in calls:
        ring = rings.get(f"{ROOM_PREFIX}{call['id']}")
        if call["state"] == "given_back":
            assert ring is None, f"given back although it rang: {what}"
            continue
        assert call["state"] == "ended", f"stuck: {what}"
        not_dialed = ring is None and "not dialed" in (call["error_message"] or "")
        if call["counts"]:
            attempts.append(call)
        else:
            assert not_dialed or _met_an_outage(call, scene.outages), f"an attempt that does not count: {what}"
        if call["outcome"] == "interrupted":
            assert _met_a_death(call, scene.deaths) or _met_an_outage(call, scene.outages), f"by nothing: {what}"
        elif ring is None:
            assert call["outcome"] == "error", f"never rang: {what}"
            assert not_dialed or _met_an_outage(call, scene.outages), what
        else:
            assert call["outcome"] == contact.outcome(ring.nth), what
    assert len(attempts) == task["attempt_count"] <= MAX_RETRIES, what
    last = attempts[-1]["outcome"]
    over = last in NEVER_AGAIN or len(attempts) == MAX_RETRIES
    assert task["status"] == ("completed" if last == "answered" else "failed" if over else "called again"), what
    assert all(call["outcome"] not in ("answered", *NEVER_AGAIN) for call in attempts[:-1]), f"called again: {what}"


def _met_a_death(call: dict[str, Any], deaths: Sequence[datetime]) -> bool:
    return any(call["claimed_at"] <= death <= call["ended_at"] + _CLOCKS for death in deaths)


def _met_an_outage(call: dict[str, Any], outages: Sequence[tuple[datetime, datetime]]) -> bool:
    return any(call["claimed_at"] <= until and began <= call["ended_at"] + _CLOCKS for began, until in outages)


def _most_at_once(rings: Iterable[Ring]) -> int:
    changes = []
    for ring in rings:
        changes.append((ring.at, 1))
        if ring.ended_at is not None:
            changes.append((ring.ended_at, -1))
    now = most = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most
