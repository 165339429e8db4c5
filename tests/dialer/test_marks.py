"""Just before it is dialed a call is marked; there it is seen for the last time whether it may be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from psycopg.pq import TransactionStatus

from actors.campaign.ledger import ClaimedTask
from actors.dialer.ledger import Mark, mark_dialing
from actors.ids import new_id
from actors.limiter import COUNTED_MINUTE, CallLimits
from tests.campaign.book import SECOND, Book, result
from tests.waiting import wait_until
from tests.world import TUESDAY

UNLIMITED = CallLimits()


@pytest.fixture
def book(dsn: str) -> Iterator[Book]:
    made = Book(dsn)
    yield made
    made.close()


def claimed(book: Book, count: int) -> list[ClaimedTask]:
    campaign = book.campaign()
    book.many(campaign, count)
    return book.claim(campaign, count)


def shared(book: Book) -> None:
    """From now on another process may use the trunk too."""
    for supervisor in (book.supervisor, new_id()):
        book.connection.execute(
            "INSERT INTO supervisors VALUES (%s, 'here', 1, '1', now(), clock_timestamp())"
            " ON CONFLICT (id) DO UPDATE SET heartbeat_at = clock_timestamp()",
            (supervisor,),
        )


def mark(book: Book, task: ClaimedTask, limits: CallLimits = UNLIMITED, now: datetime = TUESDAY) -> Mark:
    return mark_dialing(book.connection, result(task).call, limits, now)


def test_a_claimed_call_is_marked_once(book: Book) -> None:
    (task,) = claimed(book, 1)
    assert mark(book, task) is Mark.DIALING
    assert mark(book, task) is Mark.NOT_OURS


def test_a_call_of_a_campaign_that_was_paused_meanwhile_is_not_dialed(book: Book) -> None:
    (task,) = claimed(book, 1)
    book.connection.execute("UPDATE campaigns SET status = 'paused'")
    assert mark(book, task) is Mark.NOT_OURS
    assert book.call_row(task.call_id)["dialing_at"] is None


@pytest.mark.parametrize("everybody", [True, False])
def test_a_call_to_somebody_who_came_onto_do_not_call_meanwhile_is_not_dialed(book: Book, everybody: bool) -> None:
    forbidden, allowed = claimed(book, 2)
    for task, ours in ((forbidden, True), (allowed, False)):
        (row,) = book.read("SELECT company_id FROM calls WHERE id = %s", task.call_id)
        company = row["company_id"] if ours else book.company()
        book.connection.execute(
            "INSERT INTO do_not_call (id, company_id, phone_number, created_at) VALUES (%s, %s, %s, now())",
            (new_id(), None if everybody and ours else company, task.phone_number),
        )
    assert mark(book, forbidden) is Mark.NOT_OURS
    assert book.call_row(forbidden.call_id)["dialing_at"] is None
    assert mark(book, allowed) is Mark.DIALING, "only another company must not call them"


@pytest.mark.parametrize(
    ("limits", "frees"),
    [
        (CallLimits(concurrent=2), None),
        (CallLimits(per_minute=2), COUNTED_MINUTE),
        (CallLimits(per_second=2), SECOND),
    ],
    ids=str,
)
def test_a_trunk_that_several_processes_use_keeps_its_limits(
    book: Book, limits: CallLimits, frees: timedelta | None
) -> None:
    shared(book)
    first, second, third = claimed(book, 3)
    assert [mark(book, task, limits) for task in (first, second)] == [Mark.DIALING] * 2
    assert mark(book, third, limits) is Mark.TRUNK_FULL
    assert book.call_row(third.call_id)["state"] == "claimed"
    if frees is None:
        book.connection.execute("UPDATE calls SET state = 'ended', outcome = 'busy' WHERE id = %s", (first.call_id,))
        assert mark(book, third, limits) is Mark.DIALING
    else:
        assert mark(book, third, limits, TUESDAY + frees) is Mark.TRUNK_FULL, "a window holds both of its ends"
        assert mark(book, third, limits, TUESDAY + frees + timedelta(microseconds=1)) is Mark.DIALING


@pytest.mark.parametrize(
    "limits", [CallLimits(concurrent=1), CallLimits(per_minute=1), CallLimits(per_second=1)], ids=str
)
def test_a_call_whose_mark_was_written_unknown_to_its_dialer_is_not_in_its_own_way(
    book: Book, limits: CallLimits
) -> None:
    shared(book)
    first, second = claimed(book, 2)
    assert mark(book, first, limits) is Mark.DIALING
    soon = TUESDAY + timedelta(milliseconds=200)
    assert mark_dialing(book.connection, result(first).call, limits, soon, [TUESDAY]) is Mark.DIALING
    assert mark(book, second, limits, soon) is Mark.TRUNK_FULL


def test_processes_mark_the_calls_of_a_shared_trunk_one_after_the_other(book: Book) -> None:
    shared(book)
    first, second = claimed(book, 2)
    limits, other = CallLimits(concurrent=1), book.connect()
    with other.transaction():
        assert mark_dialing(other, result(first).call, limits, TUESDAY) is Mark.DIALING
        book.connection.execute("SET lock_timeout = '50ms'")
        with pytest.raises(Exception, match="lock timeout"):
            mark(book, second, limits)
    wait_until(lambda: other.info.transaction_status is TransactionStatus.IDLE)
    assert mark(book, second, limits) is Mark.TRUNK_FULL
