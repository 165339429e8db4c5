"""claims: how long a claim takes, and that it takes no longer however many tasks there are."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from time import perf_counter
from typing import LiteralString

from actors.campaign import ledger
from actors.ids import new_id
from tests.bench.database import add_tasks, drop_database, in_bulk, new_database, server, settle_down
from tests.bench.figures import Figure
from tests.campaign.book import Book
from tests.world import TUESDAY

AT_ONCE = 100
CALLED = 2_000
"""Calls that there are already, as in a database that is used. For a table that was vacuumed while it was empty, a plan
is kept that reads all of it: each claim would read the calls of all claims before it."""
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
    """Each mix at growing sizes, against itself at the smallest: measured anew beside each, as to fill the tables
    takes minutes, in which a machine becomes another."""
    few, *sizes = (1_000, 20_000) if quick else (10_000, 1_000_000, 5_000_000)
    with server() as (dsn, _):
        for mix in MIXES:
            took_ms = [(_claim_ms(dsn, mix, size), _claim_ms(dsn, mix, few)) for size in sizes]
            yield Figure("claims", f"{mix}: {AT_ONCE} of {few:,}", median(ms for _, ms in took_ms), "ms", "lower")
            for size, (large_ms, few_ms) in zip(sizes, took_ms, strict=True):
                ratio = large_ms / few_ms
                yield Figure("claims", f"{mix}: {size:,} against {few:,}", ratio, "×", "lower", FLAT)


def _claim_ms(dsn: str, mix: str, size: int, times: int = 41) -> float:
    """The median of so many claims, each of which is undone."""
    book = Book(new_database(dsn, "claims"))
    campaign = book.campaign()
    with in_bulk(book.connection):
        add_tasks(book.connection, campaign, size)
        if change := MIXES[mix]:
            book.connection.execute(change)
    elsewhere = book.campaign()
    add_tasks(book.connection, elsewhere, CALLED)
    book.claim(elsewhere, CALLED)
    settle_down(book.dsn)
    row, took_ms = book.row(campaign), []
    book.connection.prepare_threshold = 0  # as in the service
    for _ in range(times):
        ids = [new_id() for _ in range(AT_ONCE)]
        with book.connection.transaction(force_rollback=True):
            began = perf_counter()
            claim = ledger.claim(book.connection, row, ids, TUESDAY)
            took_ms.append((perf_counter() - began) * 1000)
        assert len(claim.tasks) == (0 if mix == "nothing due" else AT_ONCE)
    book.close()
    drop_database(dsn, "claims")
    return median(took_ms)
