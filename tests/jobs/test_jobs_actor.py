"""Background jobs in the real service, beside its calls."""

from __future__ import annotations

import urllib.request
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from actors.ids import new_id
from actors.jobs import ledger
from actors.jobs.broadcast import Announcement
from actors.jobs.kinds import JobType
from actors.jobs.listing import JobRow, read_jobs
from actors.jobs.submitting import Request, Selection, Submitted, submit
from supervisor.simulator import Answer
from tests.waiting import wait_until
from tests.world import TUESDAY, World

# The last two digits tell the simulator what a number does: these answer.
NUMBERS = [f"+7945000{n:02d}{n:02d}" for n in range(40)]
SMALL_BATCHES = "[jobs]\nbatch_size = 5\nretry_delay_s = 10\nattempts = 3"


def company(world: World) -> UUID:
    (row,) = world.read("SELECT id FROM companies")
    company_id: UUID = row["id"]
    return company_id


def leads(world: World, numbers: Sequence[str]) -> None:
    with world.connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO leads (id, company_id, phone_number, source, created_at, updated_at)"
            " VALUES (%s, %s, %s, 'imported', %s, %s)",
            [(new_id(), company(world), number, TUESDAY, TUESDAY) for number in numbers],
        )


def submitted(world: World, type_: JobType, selection: Selection = Selection(), **more: Any) -> Submitted:  # noqa: B008
    return submit(world.connection, Request(type_, company(world), selection, **more), world.clock.now())


def job(world: World, id_: UUID) -> JobRow:
    return read_jobs(world.connection, job_id=id_)[0]


def ended(world: World, id_: UUID) -> JobRow:
    wait_until(lambda: not job(world, id_).is_open, 30, "the job to end")
    return job(world, id_)


def test_a_broadcast_calls_each_lead_once_with_an_announcement(fast_world: World) -> None:
    fast_world.limit(company=SMALL_BATCHES)
    answers = {number: [Answer(ring_s=1, talk_s=10)] for number in NUMBERS[1:12]}
    fast_world.livekit.set_script({**answers, NUMBERS[0]: [Answer(ring_s=1, voicemail=True)]})
    fast_world.start()
    leads(fast_world, NUMBERS[:12])
    announcement = Announcement("Outage tonight", "renewals", "main", max_concurrent_calls=3)
    made = submitted(fast_world, JobType.BROADCAST, announcement=announcement)
    assert ended(fast_world, made.id).result == {"created": 12}
    wait_until(
        lambda: fast_world.read("SELECT FROM campaigns WHERE id = %s AND status = 'completed'", made.campaign_id), 30
    )
    assert sorted(ring.number for ring in fast_world.livekit.rings()) == NUMBERS[:12]
    dispatches = fast_world.read("SELECT outcome, count(*) FROM calls GROUP BY 1 ORDER BY 1")
    assert [tuple(row.values()) for row in dispatches] == [("answered", 11), ("voicemail", 1)]
    fast_world.check_ledger()


def test_erasing_contacts_beside_their_campaign_loses_nobody_and_completes_it(fast_world: World) -> None:
    fast_world.limit(company=SMALL_BATCHES)
    fast_world.campaign("spring", NUMBERS, "[limits]\nmax_concurrent_calls = 3")
    fast_world.livekit.set_script({number: [Answer(ring_s=1, talk_s=30)] for number in NUMBERS})
    fast_world.start()
    wait_until(lambda: len(fast_world.calls("spring")) > 3)
    erased = submitted(fast_world, JobType.DELETE_LEADS, Selection(numbers=NUMBERS[::2]))
    done = ended(fast_world, erased.id)
    assert (done.status, done.done, done.total) == ("completed", 20, 20)
    fast_world.wait_for_status("spring", "completed", 60)
    tasks = fast_world.tasks("spring")
    assert {task["phone_number"] for task in tasks if task["status"] == "completed"} >= set(NUMBERS[1::2])
    assert len([task for task in tasks if task["phone_number"] == f"erased-{task['id']}"]) == 20
    assert fast_world.read("SELECT FROM calls WHERE phone_number = ANY(%s)", NUMBERS[::2]) == []
    fast_world.check_ledger()


def test_a_campaign_of_which_everybody_is_erased_completes(fast_world: World) -> None:
    fast_world.campaign("spring", NUMBERS[:3], '[schedule]\nstart_time = 2027-01-01T00:00:00Z\ntimezone = "UTC"')
    fast_world.start()
    fast_world.wait_for_status("spring", "running")
    ended(fast_world, submitted(fast_world, JobType.DELETE_LEADS, Selection(numbers=NUMBERS[:3])).id)
    assert [task["outcome"] for task in fast_world.tasks("spring")] == ["cancelled"] * 3
    fast_world.check_ledger()


def test_a_failing_batch_is_tried_again_later_and_later_and_then_the_job_fails(still_world: World) -> None:
    still_world.limit(company=SMALL_BATCHES)
    still_world.start()
    leads(still_world, NUMBERS)
    still_world.connection.execute("ALTER TABLE leads ADD CONSTRAINT broken CHECK (name IS NULL)")
    made = submitted(still_world, JobType.UPDATE_LEADS, changes={"name": "Anna"})
    for attempt, delay_s in ((1, 10), (2, 20)):
        wait_until(lambda attempt=attempt: job(still_world, made.id).attempts == attempt)
        row = job(still_world, made.id)
        assert row.status == "retry" and row.next_attempt_at == still_world.clock.now() + timedelta(seconds=delay_s)
        assert row.error_message is not None and "broken" in row.error_message
        still_world.advance(timedelta(seconds=delay_s))
    row = ended(still_world, made.id)
    assert (row.status, row.attempts, row.done) == ("failed", 3, 0)
    assert row.error_message is not None and "CheckViolation" in row.error_message
    assert still_world.read("SELECT FROM job_items") == [], "it keeps nobody's number"


def test_a_job_goes_on_when_what_failed_is_mended(still_world: World) -> None:
    still_world.limit(company=SMALL_BATCHES)
    still_world.start()
    leads(still_world, NUMBERS)
    # The first batches are fine; the lead that can't be written stands at the end.
    still_world.connection.execute(
        f"ALTER TABLE leads ADD CONSTRAINT broken CHECK (name IS NULL OR phone_number <> '{NUMBERS[-1]}')"
    )
    made = submitted(still_world, JobType.UPDATE_LEADS, changes={"name": "Anna"})
    wait_until(lambda: _stepped(still_world, made.id, "retry"), 30, "the last batch to fail")
    still_world.connection.execute("ALTER TABLE leads DROP CONSTRAINT broken")
    wait_until(lambda: _stepped(still_world, made.id, "completed"), 30, "the job to be completed")
    row = job(still_world, made.id)
    assert (row.done, row.result, row.error_message) == (40, {"leads": 40}, None)


def test_a_job_is_cancelled_between_two_batches(still_world: World) -> None:
    still_world.limit(company=SMALL_BATCHES)
    still_world.start()
    leads(still_world, NUMBERS)
    made = submitted(still_world, JobType.DELETE_IMPORTED_LEADS)
    wait_until(lambda: job(still_world, made.id).done == 5)  # the clock stands still, and so does the pause
    assert ledger.cancel(still_world.connection, made.id, still_world.clock.now())
    following = submitted(still_world, JobType.DELETE_IMPORTED_LEADS)
    wait_until(lambda: _stepped(still_world, following.id, "completed"), 30)
    assert (job(still_world, made.id).status, job(still_world, made.id).done) == ("cancelled", 5)
    assert job(still_world, following.id).done == 35


def test_a_job_outlives_the_service_that_began_it(still_world: World) -> None:
    still_world.limit(company=SMALL_BATCHES)
    still_world.start()
    leads(still_world, NUMBERS)
    made = submitted(still_world, JobType.DELETE_IMPORTED_LEADS)
    wait_until(lambda: job(still_world, made.id).done == 5)
    still_world.stop()
    assert job(still_world, made.id).status == "pending"
    still_world.start()
    wait_until(lambda: _stepped(still_world, made.id, "completed"), 30)
    assert job(still_world, made.id).result == {"leads": 40}


def test_jobs_are_counted_by_type_and_state_for_prometheus(still_world: World) -> None:
    still_world.start()
    ended(still_world, submitted(still_world, JobType.DELETE_RECEIPTS_ALL).id)

    def metrics() -> str:
        still_world.advance(timedelta(seconds=5))
        with urllib.request.urlopen(f"{still_world.service.url}/metrics") as answer:
            text: str = answer.read().decode()
        return text

    wait_until(lambda: 'campaignd_jobs{state="completed",type="delete_receipts_all"} 1.0' in metrics())
    assert 'campaignd_jobs{state="failed",type="broadcast"} 0.0' in metrics()


def _stepped(world: World, id_: UUID, status: str) -> bool:
    """Let a little time pass; whether the job has come so far."""
    world.advance(timedelta(milliseconds=100))
    return job(world, id_).status == status
