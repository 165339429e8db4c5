"""Choosing, claiming and settling tasks in PostgreSQL: the promises that hold whoever else is at it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from importlib.resources import files
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from actors.campaign import ledger
from actors.campaign.ledger import Claim, ClaimedTask, Prospects, Reached
from actors.campaign.readings import read_begun
from actors.campaign.retry import TaskStatus, Verdict
from actors.errors import CampaignNotFoundError, LeaseLostError
from actors.ids import new_id
from actors.outcomes import Outcome
from tests.campaign.book import COMPLETED, FAILED, MINUTE, RETRY, SECOND, UNCOUNTED, Book, result
from tests.waiting import wait_until
from tests.world import TUESDAY


def together(*works: Callable[[], object]) -> None:
    """Run these at the same time; raise what any of them raises."""
    barrier, errors = threading.Barrier(len(works)), list[BaseException]()

    def run(work: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below, in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error


# Claiming


@pytest.mark.parametrize("status", ["draft", "paused", "completed", "failed"])
def test_nothing_is_claimed_of_a_campaign_that_is_not_running(book: Book, status: str) -> None:
    campaign = book.campaign(status=status)
    book.task(campaign)
    book.task(campaign, retry_at=TUESDAY)
    assert book.claim(campaign, 5) == []
    assert {task["status"] for task in book.read("SELECT status FROM call_tasks")} == {"pending", "retry"}
    assert book.read("SELECT * FROM calls") == []


def test_nothing_is_claimed_after_the_campaign_was_paused_however_late_its_actor_learns_of_it(book: Book) -> None:
    campaign = book.campaign()
    book.task(campaign)
    known = book.row(campaign)
    book.connection.execute("UPDATE campaigns SET status = 'paused' WHERE id = %s", (campaign,))
    assert ledger.claim(book.connection, known, [new_id()], TUESDAY).tasks == []


def test_pending_tasks_and_due_retries_are_claimed_together_by_priority_then_age(book: Book) -> None:
    campaign = book.campaign()
    old = book.task(campaign, age=5 * MINUTE)
    young = book.task(campaign, age=1 * MINUTE)
    retry = book.task(campaign, age=3 * MINUTE, retry_at=TUESDAY - SECOND)
    urgent_retry = book.task(campaign, priority=9, retry_at=TUESDAY)
    urgent = book.task(campaign, priority=9, age=MINUTE)
    unimportant = book.task(campaign, priority=-1, age=60 * MINUTE)
    other = book.campaign()
    book.task(other, priority=100)
    order = [urgent, urgent_retry, old, retry, young, unimportant]
    first, rest = book.claim(campaign, 4), book.claim(campaign, 10)
    assert [task.task_id for task in (*first, *rest)] == order


def test_a_retry_that_is_not_yet_due_is_left_alone(book: Book) -> None:
    campaign = book.campaign()
    task = book.task(campaign, priority=100, retry_at=TUESDAY + MINUTE)
    before = book.task_row(task)
    assert book.claim(campaign, 5, TUESDAY + MINUTE - SECOND / 1000) == []
    assert book.task_row(task) == before
    (claimed,) = book.claim(campaign, 5, TUESDAY + MINUTE)
    assert (claimed.task_id, claimed.attempt) == (task, 2)


def test_a_retry_that_is_due_and_not_claimed_is_still_a_retry(book: Book) -> None:
    campaign = book.campaign()
    task = book.task(campaign, retry_at=TUESDAY)
    book.task(campaign, priority=1)
    book.claim(campaign, 1)
    row = book.task_row(task)
    assert (row["status"], row["due"], row["next_attempt_at"]) == ("retry", True, TUESDAY)


def test_a_claim_makes_each_attempt_a_call_before_anything_is_dialed(book: Book) -> None:
    company = book.company()
    campaign = book.campaign(company)
    fresh = book.task(campaign, priority=1, contact_name="Anna", contact_data='{"city": "Москва"}', max_attempts=7)
    retried = book.task(campaign, retry_at=TUESDAY, attempt_count=2)
    ids = [new_id() for _ in range(3)]
    claim = ledger.claim(book.connection, book.row(campaign), ids, TUESDAY + SECOND)
    first, second = book.task_row(fresh), book.task_row(retried)
    assert claim == Claim(
        [
            ClaimedTask(ids[0], fresh, "main", first["phone_number"], "Anna", {"city": "Москва"}, 1, 7),
            ClaimedTask(ids[1], retried, "main", second["phone_number"], None, {}, 3, None),
        ],
        company_full=False,
        reached=Reached(0, second["created_at"], total_tasks=2),
    )
    for row, attempts in ((first, 1), (second, 3)):
        assert (row["status"], row["attempt_count"], row["due"]) == ("in_progress", attempts, False)
        assert (row["last_attempt_at"], row["next_attempt_at"]) == (TUESDAY + SECOND, None)
    calls = book.read("SELECT * FROM calls ORDER BY id")
    assert [(call["id"], call["task_id"], call["attempt"]) for call in calls] == [
        (ids[0], fresh, 1),
        (ids[1], retried, 3),
    ]
    for call, task in zip(calls, (first, second), strict=True):
        assert (call["state"], call["outcome"], call["dialing_at"], call["counts"]) == ("claimed", None, None, True)
        assert (call["campaign_id"], call["company_id"], call["trunk"]) == (campaign, company, "main")
        assert (call["phone_number"], call["claimed_at"]) == (task["phone_number"], TUESDAY + SECOND)


def test_a_claim_of_nothing_changes_nothing(book: Book) -> None:
    campaign = book.campaign()
    book.task(campaign)
    before = book.everything()
    assert book.claim(campaign, 0) == []
    assert book.everything() == before


def test_four_at_once_never_claim_the_same_task(book: Book) -> None:
    campaign = book.campaign()
    book.many(campaign, 400)
    row = book.row(campaign)
    claimed: list[UUID] = []
    ids: list[UUID] = []

    def work(connection: Connection) -> None:
        while tasks := ledger.claim(connection, row, [new_id() for _ in range(7)], TUESDAY).tasks:
            claimed.extend(task.task_id for task in tasks)
            ids.extend(task.call_id for task in tasks)

    connections = [book.connect() for _ in range(4)]
    together(*(partial(work, connection) for connection in connections))
    # A task that someone else was just looking at is passed over: a last look takes what was.
    work(book.connection)
    assert len(claimed) == len(set(claimed)) == len(set(ids)) == 400
    attempts = book.read("SELECT max(attempt_count), min(attempt_count), count(DISTINCT status) FROM call_tasks")
    assert list(attempts[0].values()) == [1, 1, 1]


def test_a_task_that_is_being_looked_at_holds_nobody_up(book: Book) -> None:
    campaign = book.campaign()
    locked, free = book.task(campaign, priority=1), book.task(campaign)
    other = book.connect()
    book.connection.execute("SET statement_timeout = '5s'")
    with other.transaction():
        other.execute("SELECT FROM call_tasks WHERE id = %s FOR UPDATE", (locked,))
        (claimed,) = book.claim(campaign, 5)
    assert claimed.task_id == free


def test_whoever_has_lost_the_lease_claims_and_settles_nothing(book: Book) -> None:
    campaign = book.campaign()
    book.task(campaign)
    book.task(campaign)
    row = book.row(campaign)
    (task,) = ledger.claim(book.connection, row, [new_id()], TUESDAY).tasks
    book.connection.execute("UPDATE campaign_leases SET epoch = epoch + 1")
    before = book.everything()
    with pytest.raises(LeaseLostError):
        ledger.claim(book.connection, row, [new_id()], TUESDAY)
    with pytest.raises(LeaseLostError):
        ledger.settle(book.connection, row, [(result(task), COMPLETED)], TUESDAY)
    assert book.everything() == before


def test_a_campaign_that_is_not_there_or_not_ours_is_told_apart(book: Book) -> None:
    with pytest.raises(CampaignNotFoundError):
        ledger.read_campaign(book.connection, new_id(), book.supervisor)
    with pytest.raises(LeaseLostError):
        ledger.read_campaign(book.connection, book.campaign(), new_id())


# The company's limit


def test_a_company_that_is_full_says_so_and_has_room_again_when_a_call_ends(book: Book) -> None:
    company = book.company(most=3)
    one, two = book.campaign(company), book.campaign(company)
    for campaign in (one, two):
        book.many(campaign, 10)

    def claim(campaign: UUID, count: int) -> Claim:
        return ledger.claim(book.connection, book.row(campaign), [new_id() for _ in range(count)], TUESDAY)

    first = claim(one, 2)
    assert (len(first.tasks), first.company_full) == (2, False)
    second = claim(two, 5)
    assert (len(second.tasks), second.company_full) == (1, True)
    third = claim(two, 5)
    assert (third.tasks, third.company_full) == ([], True)
    book.settle(one, (result(first.tasks[0]), COMPLETED))
    assert len(claim(two, 5).tasks) == 1
    assert book.in_progress(company) == 3


def test_a_company_that_has_room_is_not_full_because_its_list_is_at_its_end(book: Book) -> None:
    campaign = book.campaign(book.company(most=10))
    book.task(campaign)
    claim = ledger.claim(book.connection, book.row(campaign), [new_id() for _ in range(5)], TUESDAY)
    assert (len(claim.tasks), claim.company_full) == (1, False)


def test_the_companys_limit_holds_over_two_campaigns_claiming_at_once(book: Book) -> None:
    company = book.company(most=7)
    campaigns = [book.campaign(company), book.campaign(company)]
    for campaign in campaigns:
        book.many(campaign, 150)
    rows = {campaign: book.row(campaign) for campaign in campaigns}
    watching = book.connect()
    most = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.is_set():
            (count,) = watching.execute("SELECT count(*) FROM calls WHERE state <> 'ended'").fetchone() or (0,)
            most = max(most, count)

    def work(campaign: UUID, connection: Connection) -> None:
        settled = 0
        while settled < 150:
            tasks = ledger.claim(connection, rows[campaign], [new_id() for _ in range(5)], TUESDAY).tasks
            results = [(result(task), COMPLETED) for task in tasks]
            if results:
                ledger.settle(connection, rows[campaign], results, TUESDAY)
            settled += len(tasks)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        together(*(partial(work, campaign, book.connect()) for campaign in campaigns))
    finally:
        done.set()
        watcher.join()
    assert 0 < most <= 7
    for campaign in campaigns:
        assert book.counters(campaign) == (150, 150, 0)


def test_a_claim_waits_for_another_of_the_same_company_and_then_counts_its_calls(book: Book) -> None:
    """The race itself: the second one begins to count while the first has claimed and not committed."""
    company = book.company(most=4)
    campaigns = [book.campaign(company), book.campaign(company)]
    for campaign in campaigns:
        book.many(campaign, 10)
    rows = [book.row(campaign) for campaign in campaigns]
    claimed: list[int] = []
    first, second = book.connect(), book.connect()

    def claim_second() -> None:
        claimed.append(len(ledger.claim(second, rows[1], [new_id() for _ in range(4)], TUESDAY).tasks))

    thread = threading.Thread(target=claim_second)
    with first.transaction():
        claimed.append(len(ledger.claim(first, rows[0], [new_id() for _ in range(3)], TUESDAY).tasks))
        thread.start()
        wait_for_lock(book, second)
    thread.join()
    assert claimed == [3, 1]


def wait_for_lock(book: Book, connection: Connection) -> None:
    pid = connection.info.backend_pid
    wait_until(lambda: book.read("SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted", pid))


# Settling


def test_completed_retry_and_failed_are_written_and_counted(book: Book) -> None:
    campaign = book.campaign()
    for _ in range(3):
        book.task(campaign)
    done, again, lost = book.claim(campaign, 3)
    book.settle(
        campaign,
        (
            result(
                done,
                sip_call_id="SCL_1",
                answered_at=TUESDAY + 5 * SECOND,
                agent_joined_at=TUESDAY + 6 * SECOND,
            ),
            COMPLETED,
        ),
        (result(again, Outcome.BUSY, error="SIP 486 Busy Here", sip_status_code=486), RETRY),
        (result(lost, Outcome.INVALID_NUMBER, error="SIP 404 Not Found", sip_status_code=404), FAILED),
    )
    assert book.counters(campaign) == (3, 1, 1)

    def told(task: ClaimedTask) -> list[Any]:
        row = book.task_row(task.task_id)
        keys = ("status", "outcome", "error_message", "call_id", "attempt_count", "next_attempt_at", "due")
        return [row[key] for key in keys]

    assert told(done) == ["completed", "answered", None, done.call_id, 1, None, False]
    assert told(again) == ["retry", "busy", "SIP 486 Busy Here", again.call_id, 1, TUESDAY + 30 * MINUTE, False]
    assert told(lost) == ["failed", "invalid_number", "SIP 404 Not Found", lost.call_id, 1, None, False]
    call = book.call_row(done.call_id)
    assert (call["state"], call["outcome"], call["sip_call_id"]) == ("ended", "answered", "SCL_1")
    assert (call["answered_at"], call["agent_joined_at"]) == (TUESDAY + 5 * SECOND, TUESDAY + 6 * SECOND)
    assert call["ended_at"] == TUESDAY + MINUTE
    assert book.call_row(again.call_id)["sip_status_code"] == 486


def test_a_call_ends_once_whoever_says_it_later_and_whatever(book: Book) -> None:
    for first, second in product((COMPLETED, RETRY, FAILED, UNCOUNTED), repeat=2):
        campaign = book.campaign()
        book.task(campaign)
        (task,) = book.claim(campaign, 1)
        book.settle(campaign, (result(task, Outcome.BUSY, error="first"), first))
        settled = book.everything()
        book.settle(campaign, (result(task, Outcome.BUSY, error="first"), first))
        book.settle(campaign, (result(task, Outcome.ANSWERED, error="later", sip_call_id="SCL_2"), second))
        assert book.everything() == settled
        book.counters(campaign)


def test_a_late_result_of_an_earlier_attempt_does_not_touch_the_present_one(book: Book) -> None:
    campaign = book.campaign()
    task = book.task(campaign)
    (first,) = book.claim(campaign, 1)
    book.settle(campaign, (result(first, Outcome.BUSY), RETRY))
    (second,) = book.claim(campaign, 1, TUESDAY + 30 * MINUTE)
    before = book.everything()
    book.settle(campaign, (result(first, Outcome.ANSWERED), COMPLETED))
    assert book.everything() == before
    assert book.task_row(task)["status"] == "in_progress"
    book.settle(campaign, (result(second), COMPLETED))
    assert book.counters(campaign) == (1, 1, 0)


def test_an_attempt_that_does_not_count_is_given_back_and_the_next_claim_works(book: Book) -> None:
    campaign = book.campaign()
    task = book.task(campaign)
    for round_ in range(3):
        (claimed,) = book.claim(campaign, 1, TUESDAY + round_ * MINUTE)
        assert claimed.attempt == 1
        verdict = Verdict(TaskStatus.RETRY, TUESDAY + (round_ + 1) * MINUTE, attempt_counts=False)
        book.settle(campaign, (result(claimed, Outcome.RATE_LIMITED), verdict))
        row = book.task_row(task)
        assert (row["status"], row["attempt_count"]) == ("retry", 0)
        assert not book.call_row(claimed.call_id)["counts"]
    (claimed,) = book.claim(campaign, 1, TUESDAY + 10 * MINUTE)
    book.settle(campaign, (result(claimed), COMPLETED))
    assert book.task_row(task)["attempt_count"] == 1
    assert len(book.read("SELECT 1 FROM calls WHERE counts")) == 1
    assert book.counters(campaign) == (1, 1, 0)


def test_a_batch_of_many_is_settled_at_once(book: Book) -> None:
    campaign = book.campaign()
    book.many(campaign, 600)
    tasks = book.claim(campaign, 500)
    verdicts = [COMPLETED, RETRY, FAILED, UNCOUNTED, COMPLETED]
    book.settle(campaign, *((result(task), verdicts[n % 5]) for n, task in enumerate(tasks)))
    assert book.counters(campaign) == (600, 200, 100)
    statuses = book.read("SELECT status, attempt_count, count(*) FROM call_tasks GROUP BY 1, 2 ORDER BY 1, 2")
    assert [tuple(row.values()) for row in statuses] == [
        ("completed", 1, 200),
        ("failed", 1, 100),
        ("pending", 0, 100),
        ("retry", 0, 100),
        ("retry", 1, 100),
    ]


def test_a_result_that_is_settled_twice_at_once_counts_once(book: Book) -> None:
    campaign = book.campaign()
    book.many(campaign, 100)
    tasks = book.claim(campaign, 100)
    row = book.row(campaign)
    results = [(result(task), COMPLETED) for task in tasks]
    together(*(partial(ledger.settle, book.connect(), row, results, TUESDAY) for _ in range(3)))
    assert book.counters(campaign) == (100, 100, 0)


def test_a_settlement_tells_the_companys_other_campaigns(book: Book) -> None:
    limited, free = book.company(most=1), book.company()
    listening = book.connect()
    listening.execute("LISTEN campaignd")
    for company in (limited, free):
        campaign = book.campaign(company)
        book.task(campaign)
        (task,) = book.claim(campaign, 1)
        book.settle(campaign, (result(task), RETRY))
    told = [notice.payload for notice in listening.notifies(timeout=1, stop_after=3)]
    assert [payload for payload in told if payload.startswith("company:")] == [f"company:{limited}"]


# What is left, what is under way


def test_prospects_say_what_is_left_to_do(book: Book) -> None:
    campaign = book.campaign()
    row = book.row(campaign)

    def prospects() -> Prospects:
        return ledger.read_prospects(book.connection, row)

    assert prospects() == Prospects(False, None, False)
    book.task(campaign)
    assert prospects() == Prospects(True, None, False)
    (task,) = book.claim(campaign, 1)
    assert prospects() == Prospects(False, None, True)
    book.settle(campaign, (result(task, Outcome.BUSY), RETRY))
    book.task(campaign, retry_at=TUESDAY + 90 * MINUTE)
    assert prospects() == Prospects(False, TUESDAY + 30 * MINUTE, False)
    (again,) = book.claim(campaign, 5, TUESDAY + 30 * MINUTE)
    assert prospects() == Prospects(False, TUESDAY + 90 * MINUTE, True)
    book.settle(campaign, (result(again), COMPLETED))
    book.task(book.campaign())  # another campaign's
    assert prospects() == Prospects(False, TUESDAY + 90 * MINUTE, False)


def test_unfinished_calls_are_read_as_they_were_claimed_with_when_they_began(book: Book) -> None:
    campaign = book.campaign()
    for _ in range(4):
        book.task(campaign, contact_name="Anna")
    other = book.campaign()
    book.task(other)
    book.claim(other, 1)
    claimed, dialing, answered, ended = book.claim(campaign, 4)
    for task, state in ((dialing, "dialing"), (answered, "answered"), (ended, "dialing")):
        book.connection.execute(
            "UPDATE calls SET state = %s, dialing_at = %s WHERE id = %s", (state, TUESDAY + SECOND, task.call_id)
        )
    book.settle(campaign, (result(ended), COMPLETED))
    companies = {campaign: book.row(campaign).company_id, book.campaign(): book.company()}
    unfinished, nothing = ledger.read_unfinished(book.connection, companies).values()
    assert nothing == []
    assert sorted(unfinished, key=lambda call: call[0].call_id) == [
        (claimed, None),
        (dialing, TUESDAY + SECOND),
        (answered, TUESDAY + SECOND),
    ]


def test_calls_that_ended_count_for_a_minute_from_their_beginning(book: Book) -> None:
    campaign = book.campaign()
    book.many(campaign, 6)
    tasks = book.claim(campaign, 6)
    ages = [0 * SECOND, 30 * SECOND, 60 * SECOND, 61 * SECOND, None, 5 * SECOND]
    for task, age in zip(tasks, ages, strict=True):
        began = None if age is None else TUESDAY - age
        book.connection.execute(
            "UPDATE calls SET state = 'dialing', dialing_at = %s WHERE id = %s", (began, task.call_id)
        )
    book.settle(campaign, *((result(task), COMPLETED) for task in tasks[:-1]))  # the last one is still up
    begun = read_begun(book.connection, [campaign, (idle := book.campaign())], TUESDAY)
    assert begun[idle] == []
    assert sorted(begun[campaign], reverse=True) == [TUESDAY, TUESDAY - 30 * SECOND, TUESDAY - 60 * SECOND]


def test_a_call_that_was_never_dialed_is_given_back_and_one_that_was_is_not(book: Book) -> None:
    campaign = book.campaign()
    book.task(campaign, age=MINUTE)
    book.task(campaign)
    merely_claimed, dialed = book.claim(campaign, 2)
    book.connection.execute("UPDATE calls SET state = 'dialing' WHERE id = %s", (dialed.call_id,))
    for _ in range(2):
        ledger.give_back(
            book.connection, book.row(campaign), [merely_claimed.call_id, dialed.call_id], TUESDAY + SECOND
        )
    row = book.task_row(merely_claimed.task_id)
    assert (row["status"], row["attempt_count"], row["last_attempt_at"]) == ("pending", 0, None)
    assert book.task_row(dialed.task_id)["status"] == "in_progress"
    (again,) = book.claim(campaign, 5)
    assert (again.task_id, again.attempt) == (merely_claimed.task_id, 1)


def test_a_call_given_back_leaves_its_task_with_the_call_before(book: Book) -> None:
    campaign = book.campaign()
    task = book.task(campaign)
    (first,) = book.claim(campaign, 1)
    book.settle(campaign, (result(first, Outcome.BUSY), RETRY))
    (second,) = book.claim(campaign, 1, TUESDAY + 30 * MINUTE)
    assert book.task_row(task)["call_id"] == second.call_id
    ledger.give_back(book.connection, book.row(campaign), [second.call_id], TUESDAY + 31 * MINUTE)
    assert book.task_row(task)["call_id"] == first.call_id


# How long it takes


@pytest.fixture
def big_list(book: Book) -> UUID:
    """A campaign of 20,000 tasks, a quarter of them settled or waiting, beside another as big."""
    for campaign in (book.campaign(), book.campaign()):
        book.many(campaign, 20_000)
        book.connection.execute(
            "UPDATE call_tasks SET status = (ARRAY['completed', 'failed', 'retry', 'in_progress'])[1 + priority],"
            " due = false WHERE campaign_id = %s AND id IN (SELECT id FROM call_tasks LIMIT 5000)",
            (campaign,),
        )
    book.connection.execute("ANALYZE call_tasks")
    return campaign


def plan_nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from plan_nodes(child)


def chosen_by(explained: Any) -> list[dict[str, Any]]:
    """The part of the plan that chooses tasks."""
    plan = explained[0] if isinstance(explained, list) else json.loads(explained)[0]
    (chosen,) = [node for node in plan_nodes(plan["Plan"]) if node.get("Subplan Name") == "CTE chosen"]
    return list(plan_nodes(chosen))


TYPES = {"campaign": "uuid", "company": "uuid", "epoch": "bigint", "trunk": "text", "now": "timestamptz",
         "call_ids": "uuid[]", "only": "uuid[]", "probe": "text", "rank": "int",
         "since": "timestamptz"}  # fmt: skip


def test_claiming_reads_the_index_in_its_order_and_sorts_nothing(book: Book, big_list: UUID) -> None:
    """So that its time stays flat from ten thousand to five million tasks: for the plan made for these values, and for
    the one that PostgreSQL may keep for any."""
    sql = files("actors.campaign").joinpath("sql", "claim.sql").read_text()
    company = book.row(big_list).company_id
    same = {"campaign": big_list, "company": company, "epoch": 1, "trunk": "main", "now": TUESDAY}
    same |= {"only": None, "probe": None, "rank": -1, "since": TUESDAY}
    names = list(TYPES)
    marked = re.sub(r"%\((\w+)\)s(::\w+(\[\])?)?", lambda m: f"${names.index(m[1]) + 1}::{TYPES[m[1]]}", sql)
    plans = []
    with psycopg.ClientCursor(book.connection) as cursor:
        for wanted in (1, 50, 500):
            values = {**same, "call_ids": [new_id() for _ in range(wanted)]}
            plans.append(cursor.execute("EXPLAIN (FORMAT JSON) " + sql, values).fetchone())  # type: ignore[arg-type]
        plans.append(cursor.execute("EXPLAIN (GENERIC_PLAN, FORMAT JSON) " + marked).fetchone())  # type: ignore[arg-type]
    for explained in plans:
        assert explained is not None
        nodes = chosen_by(explained[0])
        reads = [node for node in nodes if node.get("Relation Name") == "call_tasks"]
        assert [node.get("Index Name") for node in reads] == ["call_tasks_claimable"], nodes
        assert reads[0]["Node Type"] == "Index Scan"
        assert not [node for node in nodes if "Sort" in node["Node Type"]], nodes


def test_a_claim_reads_no_more_tasks_than_it_takes(book: Book, big_list: UUID) -> None:
    row = book.row(big_list)
    with book.connection.transaction(force_rollback=True):
        assert len(ledger.claim(book.connection, row, [new_id() for _ in range(20)], TUESDAY).tasks) == 20
        (read,) = book.read("SELECT pg_stat_get_xact_tuples_returned('call_tasks_claimable'::regclass) AS entries")
    assert 20 <= read["entries"] <= 25


def test_a_task_that_is_settled_for_good_gets_no_new_index_entries(book: Book) -> None:
    campaign = book.campaign()
    book.many(campaign, 10)
    ended = [(result(task), COMPLETED) for task in book.claim(campaign, 10)]
    with book.connection.transaction():
        book.settle(campaign, *ended)
        (updates,) = book.read("SELECT pg_stat_get_xact_tuples_hot_updated('call_tasks'::regclass) AS in_place")
    assert updates["in_place"] == 10
