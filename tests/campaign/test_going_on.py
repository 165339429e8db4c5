"""A claim goes on where the last one ended, and misses nothing for it."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg import IsolationLevel

from actors.campaign import ledger
from actors.campaign.ledger import Claim, Reached
from actors.ids import new_id
from tests.campaign.book import MINUTE, Book
from tests.world import TUESDAY

READ: LiteralString = "SELECT pg_stat_get_xact_tuples_returned('call_tasks_claimable'::regclass) AS entries"


def claim(book: Book, campaign: UUID, count: int, reached: Reached | None, now: datetime = TUESDAY) -> Claim:
    ids = [new_id() for _ in range(count)]
    return ledger.claim(book.connection, book.row(campaign), ids, now, reached=reached)


def claimed(claim: Claim) -> list[UUID]:
    return [task.task_id for task in claim.tasks]


def test_one_claim_after_the_other_takes_everything_in_its_order(book: Book) -> None:
    campaign = book.campaign()
    tasks = [book.task(campaign, priority=9 - n // 4, age=(20 - n) * MINUTE) for n in range(12)]
    reached, taken = None, []
    for wanted in (5, 1, 4, 5, 5):
        last = claim(book, campaign, wanted, reached)
        reached = last.reached
        taken += claimed(last)
    assert taken == tasks


def test_what_is_added_before_where_claims_have_come_is_next(book: Book) -> None:
    campaign = book.campaign()
    book.task(campaign, priority=5)
    later = book.task(campaign, priority=1)
    first = claim(book, campaign, 1, None)
    urgent = book.task(campaign, priority=9)
    assert claimed(claim(book, campaign, 2, first.reached)) == [urgent, later]


def test_what_comes_due_before_where_claims_have_come_is_next(book: Book) -> None:
    campaign = book.campaign()
    retry = book.task(campaign, priority=9, retry_at=TUESDAY + MINUTE)
    book.task(campaign, priority=5)
    later = book.task(campaign, priority=1)
    first = claim(book, campaign, 1, None)
    assert claimed(claim(book, campaign, 2, first.reached, TUESDAY + MINUTE)) == [retry, later]


def test_a_task_that_was_locked_when_claims_came_past_is_found_when_nothing_else_is_left(book: Book) -> None:
    campaign = book.campaign()
    locked = book.task(campaign, priority=9)
    book.task(campaign)
    with book.connect() as other, other.transaction():
        other.execute("SELECT FROM call_tasks WHERE id = %s FOR UPDATE", (locked,))
        first = claim(book, campaign, 1, None)
    assert len(first.tasks) == 1
    assert claimed(claim(book, campaign, 2, first.reached)) == [locked]


def test_where_a_company_limits_attempts_each_claim_looks_from_the_beginning(book: Book) -> None:
    campaign = book.campaign()
    book.many(campaign, 2)
    book.connection.execute("UPDATE companies SET max_attempts_per_day = 1")
    first = claim(book, campaign, 1, None)
    assert (len(first.tasks), first.reached) == (1, None)


def test_beside_a_held_snapshot_a_claim_does_not_read_what_was_claimed_before(book: Book) -> None:
    campaign = book.campaign()
    book.many(campaign, 1_000)
    reader = book.connect()
    reader.isolation_level = IsolationLevel.REPEATABLE_READ
    with reader.transaction():
        reader.execute("SELECT count(*) FROM companies")
        last = claim(book, campaign, 900, None)
        with book.connection.transaction():
            (before,) = book.read(READ)
            assert len(claim(book, campaign, 20, last.reached).tasks) == 20
            (after,) = book.read(READ)
    assert 20 <= after["entries"] - before["entries"] <= 25
