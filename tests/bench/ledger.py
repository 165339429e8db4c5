"""ledger: tasks claimed and settled, with nothing in between, through the product's own statements."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from time import perf_counter
from typing import LiteralString, TypeVar

from psycopg import IsolationLevel
from psycopg_pool import ConnectionPool

from actors.call import CallResult
from actors.campaign import ledger
from actors.campaign.allowance import CLAIM_MOST
from actors.campaign.ledger import CampaignRow
from actors.campaign.retry import TaskStatus, Verdict
from actors.ids import new_id
from actors.outcomes import Outcome
from supervisor.database.pool import open_pool
from tests.bench.database import add_tasks, drop_database, new_database, server, settle_down
from tests.bench.figures import Figure, growth
from tests.bench.queues import pgqueuer_per_s, procrastinate_per_s
from tests.campaign.book import Book
from tests.world import TUESDAY

CAMPAIGNS = 10
POOL = 10
"""Connections, as the service has them by default."""
LIMIT, PGQUEUER, PROCRASTINATE, STEADY = 0.6, 1.5, 20, 1.3
_NOTHING_MORE = Verdict(TaskStatus.COMPLETED)
# The least that PostgreSQL can take: every task once to in_progress and once to completed, in one statement each way.
_ALL_CLAIMED = """
UPDATE call_tasks
SET status = 'in_progress', due = false, attempt_count = attempt_count + 1, last_attempt_at = %(now)s,
    updated_at = %(now)s
WHERE due AND status IN ('pending', 'retry')"""
_ALL_SETTLED = """
UPDATE call_tasks SET status = 'completed', outcome = 'answered', updated_at = %(now)s
WHERE status = 'in_progress'"""
# The same with what the ledger writes besides: a call for each attempt.
_ALL_CALLS = """
INSERT INTO calls (id, task_id, campaign_id, company_id, trunk, phone_number, attempt, epoch, claimed_at)
SELECT uuidv7(), t.id, t.campaign_id, c.company_id, 'main', t.phone_number, 1, 1, %(now)s
FROM call_tasks t JOIN campaigns c ON c.id = t.campaign_id"""
_ALL_ENDED = "UPDATE calls SET state = 'ended', outcome = 'answered', ended_at = %(now)s, answered_at = %(now)s"
_ALL_TOLD = """
UPDATE call_tasks t SET status = 'completed', outcome = 'answered', call_id = c.id, updated_at = %(now)s
FROM calls c WHERE c.task_id = t.id"""


def measure(quick: bool) -> Iterable[Figure]:
    """The drain of a full ledger, alone and beside a snapshot; the limits; the peers."""
    tasks = 20_000 if quick else 1_000_000
    jobs, slow_jobs = (5_000, 500) if quick else (200_000, 10_000)
    named = f"{tasks:,} tasks"
    with server() as (dsn, _):
        few_per_s, _ = _in_database(dsn, tasks // 10, _drain)
        ours_per_s, steadiness = _in_database(dsn, tasks, _drain)
        _, held = _in_database(dsn, tasks, _drain_beside_snapshot)
        updates_per_s = _in_database(dsn, tasks, _limit)
        writes_per_s = _in_database(dsn, tasks, _limit_with_calls)
        pgqueuer = max(_peer(dsn, pgqueuer_per_s, jobs, batch) for batch in (100, 1_000))
        procrastinate = max(_peer(dsn, procrastinate_per_s, slow_jobs, at_once) for at_once in (10, 100))

    yield Figure("ledger", f"claimed and settled, {named}", ours_per_s, "/s", "higher")
    yield growth("ledger", "time", "task", (tasks // 10, tasks / 10 / few_per_s), (tasks, tasks / ours_per_s))
    yield Figure("ledger", f"pgqueuer, {jobs:,} jobs", pgqueuer, "/s", "higher")
    yield Figure("ledger", f"procrastinate, {slow_jobs:,} jobs", procrastinate, "/s", "higher")
    limit, writes = ours_per_s / updates_per_s, ours_per_s / writes_per_s
    yield Figure("ledger", f"against one UPDATE of {named} each way", limit, "×", "higher", LIMIT)
    yield Figure("ledger", f"against all the same rows, calls too, each kind at once, {named}", writes, "×", "higher")
    yield Figure("ledger", "against pgqueuer", ours_per_s / pgqueuer, "×", "higher", PGQUEUER)
    yield Figure("ledger", "against procrastinate", ours_per_s / procrastinate, "×", "higher", PROCRASTINATE)
    yield Figure("ledger", f"last tenth against the first, {named}", steadiness, "×", "lower", STEADY)
    yield Figure("ledger", f"the same beside a held snapshot, {named}", held, "×", "lower", STEADY)


T = TypeVar("T")


def _in_database(dsn: str, tasks: int, do: Callable[[Book, int], T]) -> T:
    """What comes of it in a new database, with so many tasks in ten campaigns of which we hold the leases."""
    book = Book(new_database(dsn, "ledger"))
    company = book.company()
    for _ in range(CAMPAIGNS):
        add_tasks(book.connection, book.campaign(company), tasks // CAMPAIGNS)
    settle_down(book.dsn)
    try:
        return do(book, tasks)
    finally:
        book.close()
        drop_database(dsn, "ledger")


def _peer(dsn: str, per_s: Callable[[str, int, int], float], jobs: int, at_once: int) -> float:
    database = new_database(dsn, "peer", migrated=False)
    try:
        return per_s(database, jobs, at_once)
    finally:
        drop_database(dsn, "peer")


def _drain(book: Book, tasks: int) -> tuple[float, float]:
    """Tasks a second, and how many times as long the last tenth took as the first. As in the service: each campaign in
    a thread of its own, with the connections of one pool, claiming as much as it may at once."""
    pool = open_pool(book.dsn, POOL)
    campaigns = [book.row(row["id"]) for row in book.read("SELECT id FROM campaigns")]
    instants: list[tuple[float, int]] = []  # when so many more were settled
    began = perf_counter()
    with ThreadPoolExecutor(CAMPAIGNS) as threads:
        for each in [threads.submit(_work, pool, campaign, instants) for campaign in campaigns]:
            each.result()
    took_s = perf_counter() - began
    pool.close()
    (left,) = book.read("SELECT count(*) FROM call_tasks WHERE status <> 'completed'")
    (ended,) = book.read("SELECT count(*) FROM calls WHERE state = 'ended'")
    assert (left["count"], ended["count"]) == (0, tasks), "not every task was completed by one call"
    return tasks / took_s, _last_tenth(instants, began, tasks)


def _work(pool: ConnectionPool, campaign: CampaignRow, instants: list[tuple[float, int]]) -> None:
    reached = None
    while True:
        with pool.connection() as connection:
            ids = [new_id() for _ in range(CLAIM_MOST)]
            claim = ledger.claim(connection, campaign, ids, TUESDAY, reached=reached)
            reached = claim.reached
        if not claim.tasks:
            return
        ended = [
            (CallResult(ledger.as_call(task, campaign), Outcome.ANSWERED, TUESDAY), _NOTHING_MORE)
            for task in claim.tasks
        ]
        with pool.connection() as connection:
            ledger.settle(connection, campaign, ended, TUESDAY)
        instants.append((perf_counter(), len(ended)))


def _last_tenth(instants: Sequence[tuple[float, int]], began: float, tasks: int) -> float:
    ordered = sorted(instants)
    settled = list(accumulate(count for _, count in ordered))
    first = ordered[bisect_left(settled, tasks // 10)][0] - began
    return (ordered[-1][0] - ordered[bisect_left(settled, tasks - tasks // 10)][0]) / first


def _drain_beside_snapshot(book: Book, tasks: int) -> tuple[float, float]:
    """The same while somebody reads the database as it was before: nothing can be vacuumed."""
    reader = book.connect()
    reader.isolation_level = IsolationLevel.REPEATABLE_READ
    with reader.transaction():
        reader.execute("SELECT count(*) FROM companies")
        return _drain(book, tasks)


def _limit(book: Book, tasks: int) -> float:
    return tasks / (_took_s(book, _ALL_CLAIMED) + _took_s(book, _ALL_SETTLED))


def _limit_with_calls(book: Book, tasks: int) -> float:
    return tasks / sum(_took_s(book, each) for each in (_ALL_CLAIMED, _ALL_CALLS, _ALL_ENDED, _ALL_TOLD))


def _took_s(book: Book, statement: LiteralString) -> float:
    began = perf_counter()
    book.connection.execute(statement, {"now": TUESDAY})
    return perf_counter() - began
