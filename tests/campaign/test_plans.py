"""What is claimed and settled takes as long however much has just been imported, which PostgreSQL does not know yet."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from actors.campaign import ledger
from actors.campaign.retry import TaskStatus, Verdict
from actors.dialer.ledger import Mark, mark_dialing
from actors.ids import new_id
from actors.limiter import CallLimits
from supervisor.database.pool import open_pool
from tests.campaign.book import Book, result
from tests.world import TUESDAY

FEW, MANY = 200, 20_000
AT_ONCE = 3
READ_AT_MOST = 20 * AT_ONCE
"""Rows of a table, for each of a few statements that are about so many."""
UNTIL_PLANS_ARE_KEPT = 10
"""Of a statement that was sent some five times a connection keeps the plan, if it seems as good as another."""


@pytest.fixture
def pool(dsn: str) -> Iterator[ConnectionPool]:
    with open_pool(dsn, 1) as pool:
        yield pool


@contextmanager
def transaction(pool: ConnectionPool, read: list[dict[str, int]]) -> Iterator[psycopg.Connection]:
    """How many rows of each table it has read is added to `read`."""
    with pool.connection() as connection, connection.transaction():
        before = _rows_read(connection)
        yield connection
        read.append({table: rows - before.get(table, 0) for table, rows in _rows_read(connection).items()})


def _rows_read(connection: psycopg.Connection) -> dict[str, int]:
    """Since PostgreSQL has counted this session's last, which it never does in a transaction."""
    rows = connection.execute(
        "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
        " WHERE relname IN ('call_tasks', 'calls')"
    )
    return dict(rows.fetchall())


def call_some(pool: ConnectionPool, campaign: ledger.CampaignRow) -> list[dict[str, int]]:
    """Claim, mark and settle a few, as a campaign and its dialers do; the rows that each of these reads."""
    read: list[dict[str, int]] = []
    with transaction(pool, read) as connection:
        tasks = ledger.claim(connection, campaign, [new_id() for _ in range(AT_ONCE)], TUESDAY).tasks
    calls = [ledger.as_call(task, campaign) for task in tasks]
    with transaction(pool, read) as connection:
        assert [mark_dialing(connection, call, CallLimits(), TUESDAY) for call in calls] == [Mark.DIALING] * AT_ONCE
    with transaction(pool, read) as connection:
        ended = [(result(task), Verdict(TaskStatus.COMPLETED)) for task in tasks]
        ledger.settle(connection, campaign, ended, TUESDAY)
    return read


def test_a_claim_that_few_contacts_are_open_for_does_not_read_the_whole_list(book: Book, pool: ConnectionPool) -> None:
    campaign, asked, read = book.row(book.campaign()), itertools.count(), list[dict[str, int]]()
    book.many(campaign.id, MANY)

    def opens(number: str, at: datetime) -> datetime:
        return at if next(asked) < AT_ONCE else at + timedelta(hours=1)

    with transaction(pool, read) as connection:
        claim = ledger.claim(connection, campaign, [new_id() for _ in range(2 * AT_ONCE)], TUESDAY, opens)
    assert (len(claim.tasks), claim.company_full) == (AT_ONCE, False)
    assert max(read[0].values()) <= MANY / 20, read


@pytest.mark.parametrize("known", [True, False], ids=["of a table that was known as small", "of an unknown one"])
def test_a_great_list_that_was_just_imported_slows_nobody_down(book: Book, pool: ConnectionPool, known: bool) -> None:
    """Connections keep plans that were made for small tables, and new ones are made by statistics that are old, until
    autovacuum has looked, which can take minutes."""
    book.connection.execute("ALTER TABLE call_tasks SET (autovacuum_enabled = false)")
    old, new = book.row(book.campaign()), book.row(book.campaign())
    book.many(old.id, FEW)
    if known:
        book.connection.execute("VACUUM ANALYZE")
    for _ in range(UNTIL_PLANS_ARE_KEPT):
        call_some(pool, old)
    book.many(new.id, MANY)
    for campaign in (old, new):
        for read in call_some(pool, campaign):
            assert max(read.values()) <= READ_AT_MOST, read
