"""Who gets a lease, and when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from actors.ids import new_id
from actors.roster import leases
from supervisor.notifications import RECONNECT_PAUSES_S
from tests.waiting import wait_until

LONG = timedelta(hours=1)


@pytest.fixture
def database(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def campaigns(database: psycopg.Connection) -> list[UUID]:
    """Three."""
    company, skillbase, ids = new_id(), new_id(), [new_id() for _ in range(3)]
    database.execute(
        "INSERT INTO companies (id, slug, name, created_at, updated_at) VALUES (%s, 'acme', 'Acme', now(), now())",
        (company,),
    )
    database.execute(
        "INSERT INTO skillbases (id, company_id, slug, agent_name, created_at, updated_at)"
        " VALUES (%s, %s, 'renewals', 'agent', now(), now())",
        (skillbase, company),
    )
    for campaign_id in ids:
        database.execute(
            "INSERT INTO campaigns (id, company_id, skillbase_id, name, trunk, created_at, updated_at)"
            " VALUES (%s, %s, %s, 'Spring', 'main', now(), now())",
            (campaign_id, company, skillbase),
        )
    return sorted(ids)


@contextmanager
def present(database: psycopg.Connection) -> Iterator[UUID]:
    """A supervisor, for as long as the block lasts; then it is gone, without a word."""
    with psycopg.connect(database.info.dsn, autocommit=True) as connection:
        supervisor = new_id()
        connection.execute(leases.APPEAR, (supervisor,))
        leases.register(connection, leases.Supervisor(supervisor, "here", 1, "1"))
        yield supervisor


def test_a_campaign_is_held_by_one(database: psycopg.Connection, campaigns: list[UUID]) -> None:
    with present(database) as first, present(database) as second:
        assert leases.acquire(database, first, campaigns, 2, LONG) == {campaigns[0]: 1, campaigns[1]: 1}
        assert leases.acquire(database, second, campaigns, 5, LONG) == {campaigns[2]: 1}
        leases.release(database, first, campaigns)
        assert leases.acquire(database, second, campaigns, 5, LONG) == {campaigns[0]: 3, campaigns[1]: 3}


def test_who_died_keeps_nobody_waiting(database: psycopg.Connection, campaigns: list[UUID]) -> None:
    with present(database) as second:
        with present(database) as first:
            leases.acquire(database, first, campaigns, 5, LONG)
            assert leases.count_live(database, second, LONG) == 2
        taken = wait_until(lambda: leases.acquire(database, second, campaigns, 5, LONG))
        assert taken == dict.fromkeys(campaigns, 2)
        assert leases.count_live(database, second, LONG) == 1


def test_who_hangs_keeps_its_campaigns_until_the_lease_runs_out(
    database: psycopg.Connection, campaigns: list[UUID]
) -> None:
    with present(database) as first, present(database) as second:
        assert len(leases.acquire(database, first, campaigns, 5, LONG)) == 3
        assert leases.acquire(database, second, campaigns, 5, LONG) == {}
        database.execute("UPDATE campaign_leases SET expires_at = clock_timestamp()")
        assert leases.acquire(database, second, campaigns, 5, LONG) == dict.fromkeys(campaigns, 2)
        assert leases.renew(database, leases.Supervisor(first, "here", 1, "1"), LONG) == {}


def started_long_ago(database: psycopg.Connection, enough: str) -> None:
    """A start of PostgreSQL counts as long ago after this time."""
    define = "SELECT replace(pg_get_functiondef('supervisor_is_gone'::regproc), '5 seconds', %s)"
    (definition,) = database.execute(define, (enough,)).fetchone() or ("",)
    assert enough in definition
    database.execute(definition)


def test_nobody_counts_as_gone_who_has_just_lost_a_connection_with_all_others(
    database: psycopg.Connection, campaigns: list[UUID]
) -> None:
    started_long_ago(database, "1 day")
    with present(database) as second:
        with present(database) as first:
            leases.acquire(database, first, campaigns, 5, LONG)
        assert leases.acquire(database, second, campaigns, 5, LONG) == {}
        assert leases.count_live(database, second, LONG) == 2


def test_who_lost_its_connection_with_all_others_appears_again_before_it_counts_as_gone(
    database: psycopg.Connection,
) -> None:
    (definition,) = database.execute("SELECT pg_get_functiondef('supervisor_is_gone'::regproc)").fetchone() or ("",)
    while_s = re.search(r"interval '(\d+) seconds'", definition)
    assert while_s is not None
    refused_while_it_starts = 1
    assert (refused_while_it_starts + 1) * max(RECONNECT_PAUSES_S) < float(while_s[1])


def test_a_lease_does_not_change_hands_under_a_write(database: psycopg.Connection, campaigns: list[UUID]) -> None:
    with present(database) as first, present(database) as second, psycopg.connect(database.info.dsn) as writer:
        leases.acquire(database, first, campaigns, 5, timedelta(0))
        writer.execute("SELECT FROM campaign_leases WHERE campaign_id = %s FOR SHARE", (campaigns[0],))
        assert leases.acquire(database, second, campaigns, 5, LONG) == {campaigns[1]: 2, campaigns[2]: 2}
        writer.commit()
        assert leases.acquire(database, second, campaigns, 5, LONG) == {campaigns[0]: 2}


def silent(database: psycopg.Connection, supervisor: UUID, lasting: timedelta = leases.FORGOTTEN_AFTER) -> None:
    database.execute(
        "UPDATE supervisors SET heartbeat_at = clock_timestamp() - %s WHERE id = %s", (lasting, supervisor)
    )


def supervisors(database: psycopg.Connection) -> set[UUID]:
    return {row[0] for row in database.execute("SELECT id FROM supervisors")}


def test_who_is_silent_for_long_is_forgotten_unless_it_holds_a_campaign(
    database: psycopg.Connection, campaigns: list[UUID]
) -> None:
    with present(database) as first, present(database) as second, present(database) as third:
        leases.acquire(database, second, campaigns[:1], 1, LONG)
        silent(database, second)
        silent(database, third)
        leases.forget_the_silent(database)
        assert supervisors(database) == {first, second}


def test_a_campaign_that_nobody_needs_to_work_does_not_keep_the_dead_in_memory(
    database: psycopg.Connection, campaigns: list[UUID]
) -> None:
    with present(database) as supervisor:
        leases.acquire(database, supervisor, campaigns, 1, timedelta(0))
    silent(database, supervisor)
    leases.forget_the_silent(database)
    assert supervisors(database) == {supervisor}, "it ran out just now, and may be taken yet"
    database.execute("UPDATE campaign_leases SET expires_at = clock_timestamp() - %s", (leases.FORGOTTEN_AFTER,))
    leases.forget_the_silent(database)
    assert supervisors(database) == set()


def test_who_was_forgotten_takes_nothing_before_it_is_heard_of_again(
    database: psycopg.Connection, campaigns: list[UUID]
) -> None:
    """Its process, or its machine, stood still meanwhile."""
    with present(database) as first, present(database) as second:
        leases.acquire(database, second, campaigns[:1], 1, timedelta(0))
        silent(database, first)
        leases.forget_the_silent(database)
        assert leases.acquire(database, first, campaigns, 3, LONG) == {}
        assert leases.renew(database, leases.Supervisor(first, "here", 1, "1"), LONG) == {}
        assert leases.acquire(database, first, campaigns, 3, LONG).keys() == set(campaigns)
        assert supervisors(database) == {first, second}
