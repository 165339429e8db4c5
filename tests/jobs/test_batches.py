"""A job's life in PostgreSQL: chosen once, claimed by one, done in batches, resumed, cancelled."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest

from actors.errors import CampaignNotFoundError, CampaignValidationError, MigrationRequiredError
from actors.jobs import ledger
from actors.jobs.broadcast import Announcement
from actors.jobs.kinds import JobStatus, JobType
from actors.jobs.submitting import Selection
from actors.jobs.work import BATCHES, NotOurs
from tests.jobs.office import Office
from tests.world import TUESDAY

DELETE = JobType.DELETE_IMPORTED_LEADS


@pytest.mark.parametrize(("constraint", "kinds"), [("chk_job_type", JobType), ("chk_job_status", JobStatus)])
def test_the_lists_in_code_and_in_the_database_are_one_list(
    office: Office, constraint: str, kinds: type[JobType] | type[JobStatus]
) -> None:
    (row,) = office.read(
        "SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conname = %s", constraint
    )
    assert re.findall(r"'([a-z_]+)'", row["definition"]) == [kind.value for kind in kinds]
    assert set(BATCHES) == set(JobType)


def test_a_job_is_done_in_batches_and_says_how_far_it_is(office: Office) -> None:
    office.leads(25)
    submitted = office.submit(DELETE)
    owner = office.process()
    job = office.claim_job(owner)
    assert job is not None and submitted.total == 25
    seen = []
    while office.batch(job, owner) is not None:
        row = office.job(job.id)
        seen.append((row.status, row.done, row.total, len(office.numbers_of())))
    assert seen == [("running", 10, 25, 15), ("running", 20, 25, 5), ("running", 25, 25, 0)]
    assert office.job(job.id).status == "completed"
    assert office.job(job.id).result == {"leads": 25}
    assert office.read("SELECT * FROM job_items") == []


def test_a_job_goes_on_after_its_last_batch_when_its_process_has_died(office: Office) -> None:
    office.leads(25)
    campaign = office.campaign(office.acme, status="draft")
    submitted = office.submit(JobType.ENQUEUE_OUTBOUND_CALLS, campaign_id=campaign)
    first = office.process()
    job = office.claim_job(first)
    assert job is not None
    office.batch(job, first)
    office.connection.execute("UPDATE background_jobs SET heartbeat_at = heartbeat_at - interval '1 minute'")

    second = office.process()
    resumed = office.claim_job(second)
    assert resumed is not None and (resumed.id, resumed.attempts) == (submitted.id, 1)
    with pytest.raises(NotOurs):  # the first was only slow
        office.batch(job, first)
    while office.batch(resumed, second) is not None:
        pass
    done = office.job(job.id)
    assert (done.status, done.done, done.total, done.result) == ("completed", 25, 25, {"created": 25})
    assert office.counters(campaign) == (25, 0, 0)
    tasks = office.read("SELECT phone_number FROM call_tasks ORDER BY created_at")
    assert [task["phone_number"] for task in tasks] == office.numbers_of()


def test_a_job_of_a_living_process_is_left_to_it(office: Office) -> None:
    office.leads(5)
    office.submit(DELETE)
    assert office.claim_job(office.process()) is not None
    assert office.claim_job(office.process()) is None


def test_a_job_is_left_to_its_process_however_long_the_pause_between_batches(office: Office) -> None:
    office.leads(5)
    submitted = office.submit(DELETE)
    owner = office.process()
    office.claim_job(owner)
    office.connection.execute("UPDATE background_jobs SET heartbeat_at = heartbeat_at - interval '1 minute'")
    ledger.stay(office.connection, owner, [submitted.id])
    assert office.claim_job(office.process()) is None


def test_a_restarted_actor_goes_on_with_the_jobs_of_its_process(office: Office) -> None:
    office.leads(5)
    submitted = office.submit(DELETE)
    owner = office.process()
    assert office.claim_job(owner) is not None
    assert office.claim_job(owner, submitted.id) is None, "it is at work on it"
    again = office.claim_job(owner)
    assert again is not None and again.id == submitted.id


def test_a_process_that_stops_leaves_its_jobs_to_others_at_once(office: Office) -> None:
    office.leads(5)
    office.submit(DELETE)
    owner = office.process()
    office.claim_job(owner)
    ledger.release(office.connection, owner)
    job = office.claim_job(office.process())
    assert job is not None and job.attempts == 0


def test_jobs_of_one_company_follow_one_another_and_of_others_go_beside_them(office: Office) -> None:
    other = office.company()
    office.leads(5)
    office.leads(5, company=other)
    first, second = office.submit(DELETE), office.submit(DELETE)
    beside = office.submit(DELETE, company=other)
    claimed = [office.claim_job(office.process()) for _ in range(3)]
    assert [job and job.id for job in claimed] == [first.id, beside.id, None]
    assert office.job(second.id).status == "pending"


def test_a_cancelled_job_stops_between_two_batches(office: Office) -> None:
    office.leads(25)
    submitted = office.submit(DELETE)
    owner = office.process()
    job = office.claim_job(owner)
    assert job is not None
    office.batch(job, owner)
    assert ledger.cancel(office.connection, submitted.id, TUESDAY)
    with pytest.raises(NotOurs):
        office.batch(job, owner)
    row = office.job(submitted.id)
    assert (row.status, row.done, row.result) == ("cancelled", 10, {"leads": 10})
    assert len(office.numbers_of()) == 15
    assert office.read("SELECT * FROM job_items") == []
    assert not ledger.cancel(office.connection, submitted.id, TUESDAY), "it is over"


def test_what_a_job_is_about_is_chosen_when_it_is_submitted(office: Office) -> None:
    chosen = office.leads(5, data={"city": "Berlin"})
    submitted = office.submit(JobType.DELETE_LEADS, Selection(where={"city": "Berlin"}))
    later = office.leads(5, data={"city": "Berlin"})
    assert office.finish(submitted).done == len(chosen)
    assert office.numbers_of() == later


@pytest.mark.parametrize("type_", JobType)
def test_a_database_without_a_type_says_that_it_must_be_migrated_and_nothing_is_half_done(
    office: Office, type_: JobType
) -> None:
    office.leads(3)
    campaign = office.campaign(office.acme)
    office.connection.execute("ALTER TABLE background_jobs DROP CONSTRAINT chk_job_type")
    office.connection.execute("ALTER TABLE background_jobs ADD CONSTRAINT chk_job_type CHECK (job_type = 'older')")
    announcement = Announcement("News", "renewals", "main")
    with pytest.raises(MigrationRequiredError, match=r"^Database migration required"):
        office.submit(type_, campaign_id=campaign, announcement=announcement)
    assert office.read("SELECT * FROM background_jobs") == office.read("SELECT * FROM job_items") == []
    assert len(office.read("SELECT * FROM campaigns")) == 1, "no campaign of a broadcast is left behind"


def test_a_retry_waits_for_its_time_and_lets_others_pass(office: Office) -> None:
    office.leads(5)
    first, second = office.submit(DELETE), office.submit(DELETE)
    owner = office.process()
    job = office.claim_job(owner)
    assert job is not None
    ledger.put_off(office.connection, job, owner, TUESDAY, "a reason", TUESDAY + timedelta(minutes=1))
    row = office.job(first.id)
    assert (row.status, row.attempts, row.error_message) == ("retry", 1, "a reason")
    claimed = office.claim_job(owner)
    assert claimed is not None and claimed.id == second.id
    while office.batch(claimed, owner) is not None:
        pass
    assert office.claim_job(owner) is None
    later = ledger.claim(
        office.connection, ledger.Claimant(owner, timedelta(seconds=15)), (), TUESDAY + timedelta(minutes=1)
    )
    assert later is not None and (later.id, later.attempts) == (first.id, 1)


def test_a_job_for_somebody_elses_campaign_or_one_that_is_over_is_refused(office: Office) -> None:
    theirs, over = office.campaign(), office.campaign(office.acme, status="completed")
    enqueue = JobType.ENQUEUE_OUTBOUND_CALLS
    with pytest.raises(CampaignValidationError, match="doesn't belong to company"):
        office.submit(enqueue, campaign_id=theirs)
    with pytest.raises(CampaignValidationError, match="Campaign is completed"):
        office.submit(enqueue, campaign_id=over)
    with pytest.raises(CampaignNotFoundError):
        office.submit(enqueue, campaign_id=uuid4())
    with pytest.raises(CampaignValidationError, match="doesn't belong to company"):
        office.submit(JobType.BROADCAST, announcement=Announcement("News", "nobody", "main"))
    assert office.read("SELECT * FROM background_jobs") == []
