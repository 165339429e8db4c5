"""Just before it is dialed a call is marked; there it is seen for the last time whether it may be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from psycopg.pq import TransactionStatus

from actors.campaign.ledger import ClaimedTask
from actors.dialer.ledger import Mark, mark_dialing
from actors.ids import new_id
from actors.limiter import COUNTED_MINUTE, CallLimits
from actors.roster import leases
from actors.roster.actor import LONGEST_SILENCE
from tests.campaign.book import MINUTE, SECOND, Book, result
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


def shared(book: Book) -> UUID:
    """From now on another process may use the trunk too."""
    other = new_id()
    for supervisor in (book.supervisor, other):
        is_heard_of(book, supervisor)
    return other


def is_heard_of(book: Book, supervisor: UUID) -> None:
    leases.register(book.connection, leases.Supervisor(supervisor, "here", 1, "1"))


def were_heard_of_last(book: Book, ago: timedelta, *supervisors: UUID) -> None:
    book.connection.execute(
        "UPDATE supervisors SET heartbeat_at = clock_timestamp() - %s WHERE id = ANY(%s)", (ago, list(supervisors))
    )


def works_the_campaign_of(book: Book, supervisor: UUID, task: ClaimedTask) -> None:
    book.connection.execute(
        "UPDATE campaign_leases SET supervisor_id = %s"
        " WHERE campaign_id = (SELECT campaign_id FROM calls WHERE id = %s)",
        (supervisor, task.call_id),
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


@pytest.mark.parametrize("away_from", ["all of them", "the other", "ours"])
def test_processes_keep_the_limits_of_their_trunk_after_postgresql_was_away_for_minutes(
    book: Book, away_from: str
) -> None:
    """Each has calls in progress, and has not heard of the others since."""
    other = shared(book)
    (ours,), (theirs,) = claimed(book, 1), claimed(book, 1)
    works_the_campaign_of(book, other, theirs)
    limits = CallLimits(concurrent=1)
    assert mark(book, theirs, limits) is Mark.DIALING
    away = {"all of them": (book.supervisor, other), "the other": (other,), "ours": (book.supervisor,)}
    were_heard_of_last(book, 5 * MINUTE, *away[away_from])
    assert mark(book, ours, limits) is Mark.TRUNK_FULL
    is_heard_of(book, book.supervisor)
    assert mark(book, ours, limits) is Mark.TRUNK_FULL


def test_calls_of_a_process_that_has_died_count_for_as_long_as_a_minute_can_hold_them(book: Book) -> None:
    """It may have dialed until just before it would have been heard of again."""
    died = shared(book)
    first, second = claimed(book, 2)
    limits = CallLimits(per_minute=1)
    assert mark(book, first, limits) is Mark.DIALING
    book.connection.execute("UPDATE calls SET state = 'ended', outcome = 'busy' WHERE id = %s", (first.call_id,))
    were_heard_of_last(book, LONGEST_SILENCE + COUNTED_MINUTE, died)
    leases.forget_the_silent(book.connection)
    assert mark(book, second, limits, TUESDAY + COUNTED_MINUTE) is Mark.TRUNK_FULL
    were_heard_of_last(book, leases.FORGOTTEN_AFTER, died)
    leases.forget_the_silent(book.connection)
    assert mark(book, second, limits, TUESDAY + COUNTED_MINUTE) is Mark.DIALING, "ours alone sees to it now"
