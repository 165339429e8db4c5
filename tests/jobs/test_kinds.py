"""What each kind of job does to its rows."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from actors.campaign.ledger import read_campaign
from actors.errors import CampaignValidationError
from actors.ids import new_id
from actors.jobs.broadcast import Announcement
from actors.jobs.kinds import JobType
from actors.jobs.submitting import Selection
from tests.campaign.book import COMPLETED, result
from tests.jobs.office import Office
from tests.world import TUESDAY

IMPORT = new_id()


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (Selection(), {0, 1, 2, 3}),
        (Selection(source="manual"), {3}),
        (Selection(source="imported"), {0, 1, 2}),
        (Selection(import_id=IMPORT), {1, 2}),
        (Selection(where={"city": "Berlin"}), {0, 2}),
        (Selection(where={"city": "Berlin", "tariff": "old"}), {2}),
        (Selection(import_id=IMPORT, where={"city": "Berlin"}), {2}),
    ],
)
def test_leads_are_chosen_by_everything_that_is_given(office: Office, selection: Selection, chosen: set[int]) -> None:
    numbers = [
        *office.leads(1, data={"city": "Berlin"}),
        *office.leads(1, import_id=IMPORT, data={"city": "Leeds"}),
        *office.leads(1, import_id=IMPORT, data={"city": "Berlin", "tariff": "old"}),
        *office.leads(1, source="manual"),
    ]
    office.leads(3, company=office.company(), import_id=IMPORT, data={"city": "Berlin"})
    office.finish(office.submit(JobType.UPDATE_LEADS, selection, changes={"set": {"seen": "yes"}}))
    changed = office.read("SELECT phone_number FROM leads WHERE data ->> 'seen' = 'yes'")
    assert {row["phone_number"] for row in changed} == {numbers[place] for place in chosen}


def test_columns_of_leads_are_written_and_removed(office: Office) -> None:
    office.leads(3, data={"city": "Berlin", "tariff": "old"})
    changes = {"set": {"tariff": "new", "note": "called"}, "unset": ["city"], "name": "Emma"}
    done = office.finish(office.submit(JobType.UPDATE_LEADS, changes=changes))
    assert done.result == {"leads": 3}
    for lead in office.read("SELECT name, data FROM leads"):
        assert lead == {"name": "Emma", "data": {"tariff": "new", "note": "called"}}


def test_an_import_is_taken_back_and_what_calls_say_stays(office: Office) -> None:
    (imported,) = office.leads(1, import_id=IMPORT)
    kept = [*office.leads(1, source="manual"), *office.leads(1, import_id=new_id())]
    task = office.task(office.campaign(office.acme), phone_number=imported, contact_name="Anna")
    done = office.finish(office.submit(JobType.DELETE_IMPORTED_LEADS, Selection(import_id=IMPORT)))
    assert done.result == {"leads": 1}
    assert office.numbers_of() == sorted(kept)
    assert office.task_row(task)["contact_name"] == "Anna"
    assert office.task_row(task)["status"] == "pending"


def test_leads_become_contacts_by_the_rules_of_call_lists(office: Office) -> None:
    good, there, forbidden, urgent, gone = office.leads(5, data={"city": "Berlin"})
    campaign = office.campaign(office.acme)
    office.task(campaign, phone_number=there)
    office.connection.execute(
        "INSERT INTO do_not_call (id, phone_number, created_at) VALUES (%s, %s, %s)", (new_id(), forbidden, TUESDAY)
    )
    office.connection.execute(
        'UPDATE leads SET data = data || \'{"priority": "7"}\' WHERE phone_number = %s', (urgent,)
    )
    office.connection.execute(
        "INSERT INTO leads (id, company_id, phone_number, source, created_at, updated_at)"
        " VALUES (%s, %s, 'nobody', 'manual', %s, %s)",
        (new_id(), office.acme, TUESDAY, TUESDAY),
    )
    submitted = office.submit(JobType.ENQUEUE_OUTBOUND_CALLS, campaign_id=campaign)
    office.connection.execute("DELETE FROM leads WHERE phone_number = %s", (gone,))
    done = office.finish(submitted)
    assert (done.done, done.total) == (6, 6)
    assert done.result == {
        "created": 2,
        "already in this campaign": 1,
        "on the do-not-call list": 1,
        "not a number that can be called": 1,
        "deleted meanwhile": 1,
    }
    assert office.counters(campaign) == (3, 0, 0)
    tasks = office.claim(campaign, 1)
    assert [(task.phone_number, task.contact_name, task.contact_data) for task in tasks] == [
        (urgent, "Anna", {"city": "Berlin"})
    ]
    assert good in [task.phone_number for task in office.claim(campaign, 5)]


def test_enqueueing_again_calls_nobody_twice(office: Office) -> None:
    office.leads(12)
    campaign = office.campaign(office.acme)
    for created in ({"created": 12}, {"already in this campaign": 12}):
        assert office.finish(office.submit(JobType.ENQUEUE_OUTBOUND_CALLS, campaign_id=campaign)).result == created
    assert office.counters(campaign) == (12, 0, 0)


def test_a_campaign_that_ends_meanwhile_gets_nothing_more(office: Office) -> None:
    office.leads(12)
    campaign = office.campaign(office.acme)
    office.submit(JobType.ENQUEUE_OUTBOUND_CALLS, campaign_id=campaign)
    owner = office.process()
    job = office.claim_job(owner)
    assert job is not None
    office.batch(job, owner)
    office.connection.execute("UPDATE campaigns SET status = 'completed' WHERE id = %s", (campaign,))
    with pytest.raises(CampaignValidationError, match="takes no more contacts"):
        office.batch(job, owner)
    assert office.counters(campaign) == (10, 0, 0)


def test_a_broadcast_is_a_campaign_of_its_own_that_starts_when_it_is_whole(office: Office) -> None:
    numbers = office.leads(12)
    announcement = Announcement(
        "Outage tonight", "renewals", "main", max_concurrent_calls=4, calls_per_minute=60, longest_s=45
    )
    submitted = office.submit(JobType.BROADCAST, announcement=announcement)
    (made,) = office.read("SELECT * FROM campaigns WHERE id = %s", submitted.campaign_id)
    assert (made["mode"], made["status"], made["name"]) == ("broadcast", "draft", "Outage tonight")
    assert (made["max_concurrent_calls"], made["calls_per_minute"], made["max_call_duration_s"]) == (4, 60, 45)
    assert made["retry_outcomes"] == {"voicemail": "never"}, "a machine that took the message has got it"
    told = read_campaign(office.connection, made["id"]).agent_metadata
    assert told == {"mode": "broadcast"}, "its agent speaks, and does not converse"
    assert office.finish(submitted).result == {"created": 12}
    (started,) = office.read("SELECT status, total_tasks FROM campaigns WHERE id = %s", submitted.campaign_id)
    assert tuple(started.values()) == ("running", 12)
    tasks = office.read("SELECT phone_number FROM call_tasks ORDER BY created_at")
    assert [task["phone_number"] for task in tasks] == numbers


def receipt(office: Office, campaign: UUID) -> None:
    office.task(campaign)
    (task,) = office.claim(campaign, 1)
    office.settle(campaign, (result(task), COMPLETED))
    office.connection.execute(
        "INSERT INTO receipts (id, call_id, company_id, amount, currency, source, created_at)"
        " SELECT %s, %s, company_id, %s, 'EUR', 'provider', %s FROM campaigns WHERE id = %s",
        (new_id(), task.call_id, Decimal("0.05"), TUESDAY, campaign),
    )


def test_receipts_go_of_a_campaign_or_of_the_company_and_of_no_other(office: Office) -> None:
    one, two, theirs = office.campaign(office.acme), office.campaign(office.acme), office.campaign()
    for campaign in (one, one, two, theirs):
        receipt(office, campaign)
    assert office.finish(office.submit(JobType.DELETE_RECEIPTS_ALL, campaign_id=one)).result == {"receipts": 2}
    assert len(office.read("SELECT * FROM receipts")) == 2
    assert office.finish(office.submit(JobType.DELETE_RECEIPTS_ALL)).result == {"receipts": 1}
    (left,) = office.read("SELECT company_id FROM receipts")
    assert left["company_id"] != office.acme
