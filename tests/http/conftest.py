"""Servers for the tests of the interface."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from supervisor.database.embedded import EmbeddedPostgres
from supervisor.database.pool import open_pool
from supervisor.http.database import Database
from supervisor.tree.loop import LoopThread
from tests.http.site import Site
from tests.ports import free_port


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    thread = LoopThread(lambda error: None)
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture
def site(loop: LoopThread) -> Iterator[Site]:
    """Without PostgreSQL."""
    yield from serving(Site(), loop)


@pytest.fixture
def full_site(loop: LoopThread, dsn: str) -> Iterator[Site]:
    """With two companies in its database, and no campaign."""
    yield from _with_database(dsn, loop)


@pytest.fixture(scope="module")
def shared_site(loop: LoopThread, postgres: EmbeddedPostgres, template: str) -> Iterator[Site]:
    """The same, once for all tests of a module that get along with one another."""
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE shared TEMPLATE {template}")
        yield from _with_database(make_conninfo(postgres.dsn, dbname="shared"), loop)
        connection.execute("DROP DATABASE shared WITH (FORCE)")


def _with_database(dsn: str, loop: LoopThread) -> Iterator[Site]:
    with psycopg.connect(dsn) as connection:
        for number, (company, skillbase) in enumerate((("acme", "renewals"), ("other", "sales")), 1):
            values: dict[str, object] = {"id": UUID(int=number), "company": company, "name": company.title()}
            values |= {"skillbase": skillbase, "agent": f"{skillbase}-agent"}
            connection.execute(
                "INSERT INTO companies (id, slug, name, created_at, updated_at)"
                " VALUES (%(id)s, %(company)s, %(name)s, now(), now())",
                values,
            )
            connection.execute(
                "INSERT INTO skillbases (id, company_id, slug, agent_name, created_at, updated_at)"
                " VALUES (%(id)s, %(id)s, %(skillbase)s, %(agent)s, now(), now())",
                values,
            )
    pool = open_pool(dsn, 4)
    yield from serving(Site(database=Database(pool, dsn)), loop)
    pool.close()


def serving(site: Site, loop: LoopThread) -> Iterator[Site]:
    """The site, whose server runs for as long as it is looked at, unless it is stopped before."""
    server = site.server(free_port())
    site.port = int(loop.run(server.start(), 5).rpartition(":")[2])
    site.stop = cache(lambda: loop.run(server.stop(), 10))
    yield site
    site.stop()
