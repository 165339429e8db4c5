"""PostgreSQL is away, or does not do what it is told: nobody is dialed, nobody is hung up on, and no result is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from actors.dialer.ledger import Mark, mark_dialing
from actors.limiter import CallLimits
from supervisor.simulator import Answer, Ring
from tests.acceptance.running import Running
from tests.campaign.book import SECOND, Book, result
from tests.crash.contacts import BUSY, LONG, MIXED, NO_ANSWER, SHORT, contacts
from tests.crash.part import Part
from tests.crash.promises import check_nobody_was_hung_up_on
from tests.crash.scene import LEASE_S, Scene
from tests.crash.wire import Wire
from tests.waiting import wait_until
from tests.world import TUESDAY

STOPS_WITHIN = timedelta(seconds=1) + timedelta(seconds=2)
"""A dial that was marked just before may still be on its way for a second; on a machine that plays many scenes at once
the request itself, and the phone, take their time too."""
SHORTLY_S = LEASE_S / 2
LONGER_THAN_A_LEASE_S = LEASE_S + 2

AT_ONCE = 5
_VERY_LONG = Answer(ring_s=0.2, talk_s=9.0)
_PATIENCE = "-c statement_timeout=1s -c lock_timeout=1s"


class Absence:
    """PostgreSQL's, for a scene whose service calls two lists: one of many short calls, and one that does nothing for
    longer than any absence but wait for the end of a call."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        scene.campaign("spring", contacts(16, [(LONG,), (SHORT,), (BUSY, SHORT), (LONG,), (NO_ANSWER, LONG)]))
        scene.campaign("winter", contacts(2, [(_VERY_LONG,), (SHORT,)], campaign=1), max_concurrent_calls=1)
        self._service: Running = scene.ready()
        self._up: set[str] = set()

    @contextmanager
    def begins(self, rings: int = 4) -> Iterator[None]:
        """Now, that is while so many more phones have rung and several people talk; it ends with the block."""
        scene = self._scene
        before = len(scene.livekit.rings())
        scene.wait_until_people(lambda all_rings: len(all_rings) >= before + rings and len(_talking(all_rings)) >= 2)
        self._up = {ring.room for ring in _talking(scene.livekit.rings())}
        began = datetime.now(UTC)
        yield
        scene.absences.append((began, datetime.now(UTC)))

    def lasts(self, seconds: float) -> None:
        """So long, and until somebody who was talking when it began has hung up."""
        scene = self._scene
        scene.pass_time(seconds)
        wait_until(lambda: self._up - {ring.room for ring in _talking(scene.livekit.rings())}, 20)

    def is_over(self) -> None:
        """For good: everybody is called as if nothing had been. Nobody was dialed meanwhile, and nobody hung up on."""
        scene = self._scene
        scene.wait_until_completed(self._service)
        scene.stop(self._service)
        rings = scene.livekit.rings()
        for began, until in scene.absences:
            late = [ring for ring in rings if began + STOPS_WITHIN < ring.at < until]
            assert not late, f"dialed after {[(ring.at - began).total_seconds() for ring in late]} s without PostgreSQL"
        check_nobody_was_hung_up_on(scene)


def killed(scene: Scene) -> None:
    assert scene.server is not None
    absence = Absence(scene)
    for seconds in (SHORTLY_S, LONGER_THAN_A_LEASE_S):
        with absence.begins():
            os.kill(scene.server.pid, signal.SIGKILL)
            absence.lasts(seconds)
        scene.server.start()
        scene.connect()
    absence.is_over()


def ending_connections(scene: Scene) -> None:
    """All of them, again and again; then the network does."""
    with Wire(scene.dsn) as wire:
        scene.service_dsn = wire.dsn
        absence = Absence(scene)
        for _ in range(8):
            scene.connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'campaignd%'"
            )
            scene.pass_time(0.3)
        for _ in range(10):
            wire.cut()
            scene.pass_time(0.2)
        absence.is_over()


def refusing(scene: Scene) -> None:
    with Wire(scene.dsn) as wire:
        scene.service_dsn = wire.dsn
        absence = Absence(scene)
        for seconds in (SHORTLY_S, LONGER_THAN_A_LEASE_S):
            with absence.begins():
                wire.refuse()
                absence.lasts(seconds)
            wire.restore()
        absence.is_over()


def hanging(scene: Scene) -> None:
    with Wire(scene.dsn) as wire:
        scene.service_dsn = wire.dsn
        absence = Absence(scene)
        for seconds in (SHORTLY_S, LONGER_THAN_A_LEASE_S):
            with absence.begins():
                wire.hold()
                absence.lasts(seconds)
            wire.restore()
        absence.is_over()


def silent_for_ever(scene: Scene) -> None:
    """On the connections that there are; new ones work."""
    scene.options = _PATIENCE
    with Wire(scene.dsn) as wire:
        scene.service_dsn = wire.dsn
        absence = Absence(scene)
        with absence.begins():
            wire.bury()
            absence.lasts(SHORTLY_S)
        absence.is_over()


def busy_with_two_connections_for_many(scene: Scene) -> None:
    """Campaigns; they do not get in each other's way, and one lock on the way holds up all of them."""
    scene.pool_size = 2
    for number in range(10):
        scene.campaign(f"c{number}", contacts(6, MIXED, campaign=10 + number))
    absence = Absence(scene)
    with absence.begins(), _locked(scene):
        absence.lasts(LONGER_THAN_A_LEASE_S)
    absence.is_over()


def too_slow_for_every_statement(scene: Scene) -> None:
    scene.options = _PATIENCE
    absence = Absence(scene)
    for seconds in (SHORTLY_S, LONGER_THAN_A_LEASE_S):
        with absence.begins(), _locked(scene):
            absence.lasts(seconds)
    absence.is_over()


def full(scene: Scene) -> None:
    _add_disk(scene)
    absence = Absence(scene)
    for seconds in (SHORTLY_S, LONGER_THAN_A_LEASE_S):
        with absence.begins():
            scene.connection.execute("UPDATE crash_disk SET is_full = true")
            absence.lasts(seconds)
            scene.connection.execute("UPDATE crash_disk SET is_full = false")
    absence.is_over()


def test_a_mark_that_was_written_although_its_answer_was_lost_is_no_reason_not_to_dial(book: Book) -> None:
    campaign = book.campaign()
    book.many(campaign, 1)
    (task,) = book.claim(campaign, 1)
    call = result(task).call
    lost, again = TUESDAY, TUESDAY + SECOND
    assert mark_dialing(book.connection, call, CallLimits(), lost) is Mark.DIALING
    assert mark_dialing(book.connection, call, CallLimits(), again, [lost]) is Mark.DIALING
    assert book.call_row(task.call_id)["dialing_at"] == again
    assert mark_dialing(book.connection, call, CallLimits(), again, [lost]) is Mark.NOT_OURS


@pytest.fixture
def book(dsn: str) -> Iterator[Book]:
    made = Book(dsn)
    yield made
    made.close()


@contextmanager
def _locked(scene: Scene) -> Iterator[None]:
    """Nobody reads or writes a call. One table: two would be locked one after the other, and a deadlock be had."""
    with psycopg.connect(scene.dsn) as connection:
        connection.execute("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
        yield


def _add_disk(scene: Scene) -> None:
    """A disk that may be full: then no call and no task can be written."""
    scene.connection.execute(Path(__file__).with_name("disk.sql").read_bytes())


def _talking(rings: list[Ring]) -> list[Ring]:
    return [ring for ring in rings if ring.answered_at is not None and ring.ended_at is None]


ACTS: tuple[Callable[[Scene], None], ...] = (
    ending_connections,
    refusing,
    hanging,
    silent_for_ever,
    busy_with_two_connections_for_many,
    too_slow_for_every_statement,
    full,
)
PARTS = (
    Part(killed.__name__, killed, own_server=True, long=True),
    *(Part(act.__name__, act) for act in ACTS),
)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_postgresql_is(played: dict[Part, Future[None]], part: Part) -> None:
    played[part].result(115)
