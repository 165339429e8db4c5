"""Whatever the state, what explain says of every contact is what the next claim does with it."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest

from actors.campaign import ledger
from actors.campaign.schedule import Places
from actors.ids import new_id
from actors.number_zones import zones_of
from supervisor.explain.reasons import Reason
from tests.explain.states import ACME, AUTUMN, HOUR, MINUTE, NOW, SPRING, States

PREFIXES = ("+7495123", "+7423230", "+1212555", "+4420794", "+4920212", "+8816123")
DEFERRED = (Reason.PLACE_CLOSED, Reason.ATTEMPTS_PER_DAY)


def fill(states: States, random: Random) -> list[UUID]:
    """Thirty tasks in all sorts of states."""
    tasks = []
    for n in range(30):
        number = f"{random.choice(PREFIXES)}{n:04}"
        row: dict[str, Any] = {"priority": random.choice((-1, 0, 0, 5))}
        waits = NOW + random.choice((-HOUR, -MINUTE, MINUTE, 20 * HOUR))
        row |= random.choice(({}, {}, {}, {"next_attempt_at": waits}, {"status": "retry", "next_attempt_at": waits}))
        tasks.append(states.task(number, **row))
        if random.random() < 0.15:
            states.forbid(number, random.choice((None, ACME)))
        if random.random() < 0.3:
            other = states.task(number, AUTUMN)
            for _ in range(random.choice((1, 2, 3))):
                states.call(other, NOW - random.randrange(1, 40) * HOUR, "ended", AUTUMN)
    return tasks


def claim_until_full(states: States, room: int) -> None:
    """As the campaign's actor does: again, as long as tasks were passed over."""
    campaign = ledger.read_campaign(states.connection, SPRING, ACME)
    places = Places(campaign.settings.schedule)
    local = campaign.settings.schedule.contact_local_time

    def opening(number: str, instant: datetime) -> datetime | None:
        return places.next_opening(instant, zones_of(number) if local else ())

    while room:
        ids = [new_id() for _ in range(room)]
        claim = ledger.claim(states.connection, campaign, ids, NOW, opening if local else None)
        room -= len(claim.tasks)
        if claim.company_full or not claim.passed_over:
            return


@pytest.mark.parametrize("seed", range(6))
def test_the_next_claim_does_what_was_said(states: States, seed: int) -> None:
    random = Random(seed)
    room, local = random.choice((3, 10, 30)), random.random() < 0.7
    states.campaign(
        contact_local_time=local,
        daily_start_time="07:00",
        daily_end_time=random.choice(("14:00", "22:00")),
    )
    states.campaign(max_concurrent_calls=room)
    states.company(max_attempts_per_day=random.choice((None, 1, 2)), max_concurrent_calls=random.choice((None, 100)))
    tasks = fill(states, random)
    said = {task: states.why(task) for task in tasks}
    counts = states.counts()

    claim_until_full(states, room)

    rows = states.connection.execute(
        "SELECT id, status, next_attempt_at, due, error_message FROM call_tasks WHERE campaign_id = %s", (SPRING,)
    ).fetchall()
    first = {task: explained.hindrances[0].reason for task, explained in said.items()}
    assert {reason: list(first.values()).count(reason) for reason in first.values()} == counts
    everybody_met = sum(status == "in_progress" for _, status, *_ in rows) < room
    for task, status, next_attempt_at, due, error in rows:
        reason, not_before = first[task], said[task].not_before
        assert (status == "in_progress") == (reason is Reason.NOTHING), (reason, status)
        if status == "failed":
            expected = Reason.NEVER_OPEN if "never open" in error else Reason.DO_NOT_CALL
            assert expected in [hindrance.reason for hindrance in said[task].hindrances]
        elif status in ("pending", "retry") and not due and not_before is not None:
            waited = any(h.until is not None and h.until > NOW for h in said[task].hindrances)
            assert waited and not_before >= next_attempt_at
        if everybody_met and reason in DEFERRED and said[task].task.waits_until is None:  # it was put off just now
            assert not_before is not None
            # By attempts alone it may come due while the campaign's window is closed, and waits on for that.
            assert next_attempt_at == not_before or (not local and next_attempt_at < not_before)
