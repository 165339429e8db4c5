"""`campaignd verify` against the interface alone, where what campaigns and breakers do is the test's to say."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from time import monotonic

import psycopg
import pytest

from supervisor.database.embedded import EmbeddedPostgres
from supervisor.database.pool import open_pool
from supervisor.http.database import Database
from supervisor.tree.loop import LoopThread
from supervisor.verify import check
from supervisor.verify.check import Check, Plan
from supervisor.verify.client import Away, Client, VerificationError
from supervisor.verify.report import Report, Verdict
from tests.breakers.rows import write_breaker
from tests.http.site import Site
from tests.waiting import wait_until
from tests.world import TOKEN, TUESDAY


class Verifying:
    """A check of two campaigns with two contacts each, under way."""

    def __init__(
        self,
        site: Site,
        dsn: str,
        loop: LoopThread,
        timeout_s: float = 600,
        when_looked: Callable[[], None] = lambda: None,
    ) -> None:
        self._site, self._dsn, self._loop, self._when_looked = site, dsn, loop, when_looked
        services = frozenset(("livekit", "trunk:main", "agents:renewals-agent"))
        numbers = range(79450000000, 79450000100)
        plan = Plan(2, 2, timeout_s, "acme", "renewals", "main", services, numbers)
        self.looks = 0
        self.check = Check(Client(site.url, TOKEN), plan, self._looked)
        self._thread = Thread(target=self.check.run)
        self._thread.start()

    def _looked(self, done: int, total: int) -> None:
        self.looks += 1
        self._when_looked()

    def wait_for_a_look(self) -> None:
        """One that begins from now on."""
        before = self.looks
        wait_until(lambda: self.looks > before + 1, 20, "the check to look at its campaigns")

    def execute(self, query: str) -> None:
        with psycopg.connect(self._dsn) as connection:
            connection.execute(query.encode())

    def campaigns(self) -> int:
        """How many there are."""
        with psycopg.connect(self._dsn) as connection:
            row = connection.execute("SELECT count(*) FROM campaigns").fetchone()
        assert row is not None
        return int(row[0])

    def complete(self, outcome: str = "answered") -> None:
        """What the service does when everybody was called, and each call ended so."""
        self.execute(
            "INSERT INTO calls (id, task_id, campaign_id, company_id, trunk, phone_number, attempt, state, outcome,"
            " claimed_at) SELECT gen_random_uuid(), t.id, c.id, c.company_id, 'main', t.phone_number, 1, 'ended',"
            f" '{outcome}', now() FROM call_tasks t JOIN campaigns c ON c.id = t.campaign_id;"
            "UPDATE campaigns SET status = 'completed', completed_tasks = total_tasks"
        )

    def service_restarts(self, meanwhile: Callable[[], None]) -> None:
        """It is away from then on, until something has been asked of it in vain."""
        site = self._site
        site.stop()
        with socket.create_server(("127.0.0.1", site.port)) as nobody:
            nobody.settimeout(30)
            meanwhile()
            nobody.accept()[0].close()
        self.start_service()

    def start_service(self) -> None:
        site = self._site
        pool = open_pool(self._dsn, 4)
        site.database = Database(pool, self._dsn)
        server = site.server(site.port)
        self._loop.run(server.start(), 5)

        def stop() -> None:
            self._loop.run(server.stop(), 10)
            pool.close()

        site.stop = cache(stop)

    def report(self) -> Report:
        """Once it has ended."""
        wait_until(lambda: not self._thread.is_alive(), 60, "the check to end")
        return self.check.report

    def close(self) -> None:
        self.check.stop()
        self._thread.join()


@contextmanager
def somebody_else(said: str) -> Iterator[str]:
    """The URL of a server that has this to say to one request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        answering = Thread(target=server.handle_request)
        answering.start()
        yield f"http://127.0.0.1:{server.server_port}"
        answering.join()


@pytest.fixture
def verifying(full_site: Site, dsn: str, loop: LoopThread) -> Iterator[Verifying]:
    """With its campaigns running."""
    verifying = Verifying(full_site, dsn, loop)
    verifying.wait_for_a_look()
    yield verifying
    verifying.close()


# A service that is away for a while


def test_a_service_that_restarts_meanwhile_is_waited_for(verifying: Verifying) -> None:
    verifying.service_restarts(lambda: None)
    verifying.wait_for_a_look()
    verifying.complete()
    report = verifying.report()
    assert (report.verdict, report.why) == (Verdict.FINISHED, "every campaign has finished")
    (warning,) = report.warnings
    assert "can't be reached" in warning
    assert (report.left_behind, verifying.campaigns()) == ([], 0)


def test_what_was_made_is_removed_even_if_the_service_restarts_just_then(verifying: Verifying) -> None:
    verifying.service_restarts(verifying.check.stop)
    assert verifying.report().left_behind == []
    assert verifying.campaigns() == 0


def test_what_was_made_is_removed_even_if_postgresql_is_away_just_then(
    verifying: Verifying, dsn: str, postgres: EmbeddedPostgres
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(postgres.dsn, autocommit=True) as server:
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        wait_until(lambda: verifying.check.report.warnings, 20, "the check to be refused")
        verifying.check.stop()
        wait_until(lambda: verifying.check.report.seconds, 20, "the check to remove what it made")
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    report = verifying.report()
    (warning,) = report.warnings
    assert "Database unavailable" in warning
    assert (report.why, report.left_behind, verifying.campaigns()) == ("it was stopped", [], 0)


def test_a_service_that_stays_away_is_reported_with_what_is_left_behind(
    verifying: Verifying, full_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "_AWAY_MOST_S", 0)
    monkeypatch.setattr(check, "_REMOVE_WITHIN_S", 0)
    full_site.stop()
    report = verifying.report()
    assert report.verdict is Verdict.CHECK_FAILED
    assert "can't be reached" in report.why
    assert len(report.left_behind) == verifying.campaigns() == 2
    assert all("can't be reached" in left for left in report.left_behind)


def answers_are_lost(monkeypatch: pytest.MonkeyPatch, asking: str) -> None:
    """The service does what it is asked, and is away before it has said so: each of these questions once."""
    ask = getattr(Client, asking)
    lost: list[object] = []

    def lose(self: Client, *asked: object) -> object:
        answer = ask(self, *asked)
        if asked not in lost:
            lost.append(asked)
            raise Away("the service went away meanwhile")
        return answer

    monkeypatch.setattr(Client, asking, lose)


@pytest.mark.parametrize("asking", ["create", "call_list", "start"])
def test_nothing_is_done_twice_when_the_service_restarts_while_campaigns_are_made(
    full_site: Site, dsn: str, loop: LoopThread, monkeypatch: pytest.MonkeyPatch, asking: str
) -> None:
    answers_are_lost(monkeypatch, asking)
    verifying = Verifying(full_site, dsn, loop)
    verifying.wait_for_a_look()
    assert verifying.campaigns() == 2
    verifying.complete()
    report = verifying.report()
    assert (report.verdict, report.settled, report.left_behind) == (Verdict.FINISHED, 4, [])
    warned = [warning.partition(": ")[2] for warning in report.warnings]
    assert warned == ["the service went away meanwhile"] * 2
    assert verifying.campaigns() == 0


def test_a_campaign_whose_making_was_not_answered_is_removed_too(
    full_site: Site, dsn: str, loop: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "_AWAY_MOST_S", 0)
    answers_are_lost(monkeypatch, "create")
    verifying = Verifying(full_site, dsn, loop)
    report = verifying.report()
    assert report.why == "the service went away meanwhile"
    assert (report.left_behind, verifying.campaigns()) == ([], 0)


@pytest.mark.parametrize("said", ["It works!", "[]", '{"status": "ok"}'])
def test_who_listens_in_place_of_the_service_fails_the_check(said: str) -> None:
    with somebody_else(said) as url, pytest.raises(VerificationError, match="is not the service"):
        Client(url, TOKEN).breakers()


# Whose fault it is


def open_breaker(dsn: str, service: str) -> None:
    """What the service does when too many calls have failed by that service's fault."""
    with psycopg.connect(dsn) as connection:
        write_breaker(connection, service, "open", TUESDAY, last_error="SIP 503", error_count=5)


def test_a_slow_run_is_not_blamed_on_a_service_that_it_does_not_need(
    full_site: Site, dsn: str, loop: LoopThread
) -> None:
    for service in ("trunk:second", "recordings"):
        open_breaker(dsn, service)
    report = Verifying(full_site, dsn, loop, timeout_s=1).report()
    assert (report.verdict, report.services) == (Verdict.CHECK_FAILED, {})
    assert report.why == "0 of 4 contacts in 1 s: it was slow, no service failed"
    warned = [warning.partition(": circuit")[0] for warning in report.warnings]
    assert warned == [
        f"{service} is failing already, and not needed here" for service in ("trunk:second", "recordings")
    ]


def test_an_operators_pause_is_no_failed_service(
    full_site: Site, dsn: str, loop: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_breaker(dsn, "trunk:second")
    passed_s = 0

    def pause() -> None:
        """At the first look; at the second, which finds them so, time is over."""
        nonlocal passed_s
        running = full_site.get("/campaigns?status=running").data
        for campaign in running:
            full_site.post(f"/campaigns/{campaign['id']}/pause")
        passed_s = 0 if running else 600

    monkeypatch.setattr(check, "monotonic", lambda: monotonic() + passed_s)
    report = Verifying(full_site, dsn, loop, timeout_s=600, when_looked=pause).report()
    assert (report.verdict, report.services) == (Verdict.CHECK_FAILED, {})
    assert report.why == "0 of 4 contacts in 600 s: campaigns were paused, no service failed"


def test_a_failed_service_is_told_as_one_when_time_is_over_too(full_site: Site, dsn: str, loop: LoopThread) -> None:
    open_breaker(dsn, "trunk:main")
    report = Verifying(full_site, dsn, loop, timeout_s=1).report()
    assert (report.verdict, list(report.services)) == (Verdict.SERVICE_FAILED, ["trunk:main"])
    assert report.why == "0 of 4 contacts in 1 s: trunk:main failed"


# What came of it


def test_whose_last_call_opened_a_breaker_has_not_finished(verifying: Verifying, dsn: str) -> None:
    open_breaker(dsn, "trunk:main")
    verifying.complete("trunk_failed")
    report = verifying.report()
    assert (report.verdict, report.why) == (Verdict.SERVICE_FAILED, "trunk:main failed")
    assert report.outcomes == {"trunk_failed": 4}


def test_who_reached_nobody_is_told_so_and_how_the_calls_ended(verifying: Verifying) -> None:
    verifying.complete("trunk_failed")
    report = verifying.report()
    assert (report.verdict, report.outcomes) == (Verdict.FINISHED, {"trunk_failed": 4})
    assert "Calls ended: trunk_failed 4." in report.lines()
    assert report.lines()[-1] == "Finished: every campaign has finished, but no call was answered"
