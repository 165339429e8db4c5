"""claims: how long a claim takes, and that it takes no longer however many tasks there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from time import perf_counter
from typing import LiteralString

from psycopg_pool import ConnectionPool

from actors.campaign import ledger
from actors.campaign.ledger import CampaignRow
from actors.ids import new_id
from supervisor.database.pool import open_pool
from tests.bench.database import add_tasks, drop_database, in_bulk, new_database, server, settle_down
from tests.bench.figures import Figure
from tests.campaign.book import Book
from tests.world import TUESDAY

AT_ONCE = 100
CALLED = 2_000
"""Calls that there are already, as in a database that is used."""
FLAT = 1.3
MIXES: dict[str, LiteralString | None] = {
    "all pending": None,
    "90 % done": """
        UPDATE call_tasks SET status = 'completed', due = false, attempt_count = 1, outcome = 'answered'
        WHERE extract(microseconds FROM created_at)::int % 10 <> 0""",
    "half waiting for retry at top priority": """
        UPDATE call_tasks SET status = 'retry', due = false, attempt_count = 1, priority = 9,
               next_attempt_at = created_at + interval '1 day'
        WHERE extract(microseconds FROM created_at)::int % 2 = 0""",
    "nothing due": """
        UPDATE call_tasks SET status = 'retry', due = false, attempt_count = 1,
               next_attempt_at = created_at + interval '1 day'""",
}
"""What the tasks look like → how pending ones become so."""


def measure(quick: bool) -> Iterable[Figure]:
    """Each mix at growing sizes, against itself at the smallest."""
    few, *sizes = (1_000, 20_000) if quick else (10_000, 1_000_000, 5_000_000)
    with server() as (dsn, _):
        for mix in MIXES:
            took_ms = _claims_ms(dsn, mix, (few, *sizes))
            yield Figure("claims", f"{mix}: {AT_ONCE} of {few:,}", took_ms[few], "ms", "lower")
            for size in sizes:
                ratio = took_ms[size] / took_ms[few]
                yield Figure("claims", f"{mix}: {size:,} against {few:,}", ratio, "×", "lower", FLAT)


def _claims_ms(dsn: str, mix: str, sizes: Sequence[int], times: int = 41) -> dict[int, float]:
    """Size → the median of so many claims; one at each size in turn, for a machine does not stay the same."""
    filled = {size: _fill(dsn, mix, size) for size in sizes}
    took_ms: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(times):
        for size, (_, pool, row) in filled.items():
            took_ms[size].append(_claim_ms(pool, row, finds=0 if mix == "nothing due" else AT_ONCE))
    for size, (book, pool, _) in filled.items():
        pool.close()
        book.close()
        drop_database(dsn, f"claims_{size}")
    return {size: median(each) for size, each in took_ms.items()}


def _fill(dsn: str, mix: str, size: int) -> tuple[Book, ConnectionPool, CampaignRow]:
    """A database of its own with a campaign of so many tasks, and the service's connection to it."""
    book = Book(new_database(dsn, f"claims_{size}"))
    campaign = book.campaign()
    with in_bulk(book.connection):
        add_tasks(book.connection, campaign, size)
        if change := MIXES[mix]:
            book.connection.execute(change)
    elsewhere = book.campaign()
    add_tasks(book.connection, elsewhere, CALLED)
    book.claim(elsewhere, CALLED)
    settle_down(book.dsn)
    return book, open_pool(book.dsn, 1), book.row(campaign)


def _claim_ms(pool: ConnectionPool, row: CampaignRow, *, finds: int) -> float:
    """What one claim takes, which is undone."""
    ids = [new_id() for _ in range(AT_ONCE)]
    with pool.connection() as connection, connection.transaction(force_rollback=True):
        began = perf_counter()
        claim = ledger.claim(connection, row, ids, TUESDAY)
        took_ms = (perf_counter() - began) * 1000
    assert len(claim.tasks) == finds
    return took_ms
