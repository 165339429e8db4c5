"""Erasing people: who they are goes from everything the company has, what is counted stays."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from actors.campaign import ledger as campaign_ledger
from actors.campaign.ledger import ClaimedTask
from actors.campaign.retry import Verdict
from actors.ids import new_id
from actors.jobs.kinds import JobType
from actors.jobs.listing import JobRow
from actors.jobs.submitting import Selection
from actors.outcomes import Outcome
from tests.campaign.book import COMPLETED, MINUTE, RETRY, result
from tests.jobs.office import Office
from tests.world import TUESDAY


def erase(office: Office, *numbers: str) -> JobRow:
    return office.finish(office.submit(JobType.DELETE_LEADS, Selection(numbers=numbers)))


def everything(office: Office) -> str:
    """The whole database, as text."""
    tables = office.read("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
    rows = [
        str(row)
        for table in tables
        if not table["relname"].startswith("_yoyo")
        for row in office.read(f"SELECT * FROM {table['relname']}")
    ]
    return json.dumps(rows, ensure_ascii=False)


def call(office: Office, campaign: UUID, outcome: Outcome, verdict: Verdict) -> ClaimedTask:
    """Call the next contact."""
    (task,) = office.claim(campaign, 1)
    ended = result(task, outcome, answered_at=TUESDAY, sip_call_id="SCL_1", error=f"about {task.phone_number}")
    office.settle(campaign, (ended, verdict))
    return task


@pytest.mark.parametrize(
    ("verdict", "outcome", "status", "said"),
    [
        (None, None, "failed", "cancelled"),
        (RETRY, Outcome.NO_ANSWER, "failed", "cancelled"),
        (COMPLETED, Outcome.ANSWERED, "completed", "answered"),
    ],
)
def test_nothing_is_left_that_leads_to_a_person(
    office: Office, verdict: Verdict | None, outcome: Outcome | None, status: str, said: str
) -> None:
    (number,) = office.leads(1, data={"city": "Xanadu"})
    campaign = office.campaign(office.acme)
    task = office.task(campaign, phone_number=number, contact_name="Zarathustra", contact_data='{"city": "Xanadu"}')
    if verdict is not None and outcome is not None:
        claimed = call(office, campaign, outcome, verdict)
        office.connection.execute(
            "INSERT INTO recordings (id, call_id, company_id, created_at, updated_at) VALUES (%s, %s, %s, %s, %s)",
            (new_id(), claimed.call_id, office.acme, TUESDAY, TUESDAY),
        )
    office.connection.execute("UPDATE leads SET name = 'Zarathustra'")

    done = erase(office, number)

    assert (done.status, done.done, done.total) == ("completed", 1, 1)
    left = everything(office)
    assert not [trace for trace in (number, number[1:], "Zarathustra", "Xanadu", "SCL_1") if trace in left]
    row = office.task_row(task)
    assert (row["status"], row["outcome"]) == (status, said)
    assert office.counters(campaign) == (1, int(status == "completed"), int(status == "failed"))
    if outcome is not None:
        (kept,) = office.read("SELECT outcome, answered_at, ended_at, attempt FROM calls")
        assert tuple(kept.values()) == (outcome.value, TUESDAY, TUESDAY + MINUTE, 1)
        assert office.read("SELECT * FROM recordings") == []
        assert len(office.read("SELECT * FROM discarded_recordings")) == 1, "its file is still to be deleted"
    assert office.claim(campaign, 5) == [], "nobody calls them any more"


def test_all_campaigns_of_the_company_forget_a_person_and_no_other_company_does(office: Office) -> None:
    (number,) = office.leads(1)
    mine = [office.campaign(office.acme) for _ in range(2)]
    theirs = office.campaign()
    for campaign in (*mine, theirs):
        office.task(campaign, phone_number=number)
    erase(office, number)
    assert [office.counters(campaign) for campaign in (*mine, theirs)] == [(1, 0, 1), (1, 0, 1), (1, 0, 0)]
    (task,) = office.claim(theirs, 5)
    assert task.phone_number == number


def test_people_who_are_contacts_and_no_leads_are_erased_by_their_numbers(office: Office) -> None:
    campaign = office.campaign(office.acme)
    task = office.task(campaign, phone_number="+79457654321", contact_name="Anna")
    done = erase(office, "+79457654321", "+79457654322")
    assert (done.total, done.result) == (2, {"tasks": 1, "cancelled": 1})
    assert office.task_row(task)["phone_number"] == f"erased-{task}"


def test_a_call_in_progress_ends_and_then_is_erased_and_not_tried_again(office: Office) -> None:
    on_the_phone, waiting = office.leads(2)
    campaign = office.campaign(office.acme)
    task = office.task(campaign, phone_number=on_the_phone, priority=1)
    office.task(campaign, phone_number=waiting)
    (claimed,) = office.claim(campaign, 1)
    submitted = office.submit(JobType.DELETE_LEADS)
    owner = office.process()
    job = office.claim_job(owner)
    assert job is not None

    assert office.batch(job, owner) == (1, 1), "the other one is erased at once"
    assert office.numbers_of() == []
    row = office.task_row(task)
    assert (row["status"], row["phone_number"]) == ("in_progress", on_the_phone)
    assert office.batch(job, owner) == (0, 1), "still on the phone"

    office.settle(campaign, (result(claimed, Outcome.NO_ANSWER), RETRY))
    row = office.task_row(task)
    assert (row["status"], row["outcome"], row["next_attempt_at"]) == ("failed", "no_answer", None)
    assert office.counters(campaign) == (2, 0, 2)
    assert office.batch(job, owner) == (1, 0)
    assert office.batch(job, owner) is None
    assert office.job(submitted.id).status == "completed"
    assert on_the_phone not in everything(office)
    assert office.counters(campaign) == (2, 0, 2), "counted once"


@pytest.mark.parametrize("retry_at", [None, TUESDAY])
def test_a_call_that_never_began_is_cancelled_when_it_is_given_back(office: Office, retry_at: datetime | None) -> None:
    (number,) = office.leads(1)
    campaign = office.campaign(office.acme)
    task = office.task(campaign, phone_number=number, retry_at=retry_at)
    (claimed,) = office.claim(campaign, 1)
    submitted = office.submit(JobType.DELETE_LEADS)
    owner = office.process()
    job = office.claim_job(owner)
    assert job is not None
    office.batch(job, owner)
    for _ in range(2):
        campaign_ledger.give_back(office.connection, office.row(campaign), [claimed.call_id], TUESDAY)

    def said() -> tuple[Any, ...]:
        row = office.task_row(task)
        return row["status"], row["outcome"], row["error_message"], row["due"], row["next_attempt_at"]

    cancelled = ("failed", "cancelled", "Cancelled: the contact was erased", False, None)
    assert said() == cancelled, "its campaign would not complete, if the job did not go on"
    assert office.counters(campaign) == (1, 0, 1)
    campaign_ledger.reconsider(office.connection, office.row(campaign))
    assert office.claim(campaign, 5, TUESDAY + timedelta(days=1)) == [], "not dialed once more"
    assert office.batch(job, owner) == (1, 0)
    assert office.batch(job, owner) is None
    assert said() == cancelled
    assert office.counters(campaign) == (1, 0, 1), "counted once"
    assert number not in everything(office)
    counts = office.job(submitted.id).result
    assert counts is not None and (counts["tasks"], counts["cancelled"]) == (1, 1)


def test_a_task_that_its_campaign_has_locked_is_not_waited_for(office: Office) -> None:
    (number,) = office.leads(1)
    campaign = office.campaign(office.acme)
    office.task(campaign, phone_number=number)
    office.submit(JobType.DELETE_LEADS)
    owner = office.process()
    job = office.claim_job(owner)
    assert job is not None
    with office.connect().transaction() as lock:
        lock.connection.execute("SELECT FROM call_tasks FOR UPDATE")
        assert office.batch(job, owner) == (0, 1)
    assert office.batch(job, owner) == (1, 0)
