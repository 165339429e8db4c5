"""Lists are imported beside calling: what gets in an import's way puts that list off, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from structlog.testing import capture_logs

from actors.errors import CampaignServiceError
from actors.ids import new_id
from actors.jobs.call_lists.ledger import Tasks
from actors.roster import statuses
from supervisor import importer
from supervisor.reload import Result
from tests.failing import Failing
from tests.waiting import wait_until
from tests.world import World

PEOPLE = [f"+79450004{ending:03}" for ending in range(100, 110)]
NOT_YET = "[schedule]\nstart_time = 2027-01-01T00:00:00+00:00"
"""Nobody is called: tasks stay as they were imported."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "_TRY_AGAIN_S", 0.05)


@pytest.fixture
def world(still_world: World) -> World:
    """It runs, and has one campaign whose list is imported."""
    still_world.campaign("autumn", PEOPLE[:1], NOT_YET)
    still_world.start()
    return still_world


@contextmanager
def nobody_writes_tasks(world: World) -> Iterator[None]:
    """An import stands still in the middle, once it has begun to write."""
    with psycopg.connect(world.dsn) as other:
        other.execute("LOCK TABLE call_tasks IN SHARE MODE")
        yield


def wait_for_an_import_that_waits(world: World) -> None:
    wait_until(
        lambda: world.read(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            " AND query LIKE '%%COPY call_tasks%%FROM STDIN%%'"
        ),
        20,
        "an import to stand still",
    )


@contextmanager
def another_import(world: World, slug: str) -> Iterator[None]:
    """An import into the campaign that somebody else has begun, and does not end."""
    with psycopg.connect(world.dsn) as other:
        assert Tasks(other, world.id(slug)).lock(pytest.fail) is not None
        yield


def wait_for_an_import_that_waits_for_another(world: World) -> None:
    wait_until(
        lambda: world.read(
            "SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'campaignd import' AND query ~ 'try_advisory|pg_sleep'"
        ),
        20,
        "an import to wait for another",
    )


def end_connections_of_imports(world: World) -> int:
    """All there are; how many there were."""
    ended = world.read(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'campaignd import'"
    )
    return len(ended)


def imported(world: World, slug: str) -> int:
    total: int = world.row(slug)["total_tasks"]
    return total


def test_a_list_during_whose_import_postgresql_goes_away_is_imported_when_it_is_back(world: World) -> None:
    world.campaign("spring", PEOPLE, NOT_YET)
    with nobody_writes_tasks(world):
        assert world.reload() is Result.APPLIED
        wait_for_an_import_that_waits(world)
        assert end_connections_of_imports(world) == 1
    world.wait_for_status("spring", "running")
    assert imported(world, "spring") == len(PEOPLE)
    assert not world.service.failed.is_set()


def test_a_campaign_is_started_later_while_postgresql_may_only_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as a server is being changed for another: the process goes on."""
    read_only = psycopg.errors.ReadOnlySqlTransaction("cannot execute UPDATE in a read-only transaction")
    failing = Failing(statuses.start, read_only, times=1)
    monkeypatch.setattr(statuses, "start", failing)
    world.campaign("spring", PEOPLE, NOT_YET)
    assert world.reload() is Result.APPLIED
    world.wait_for_status("spring", "running")
    assert failing.failed == 1 and not world.service.failed.is_set()


def test_a_list_that_is_imported_while_the_service_starts_does_not_end_it_either(still_world: World) -> None:
    world = still_world
    ended: list[int] = []

    def lose(slug: str, done: int, total: int) -> None:
        if not ended:
            ended.append(end_connections_of_imports(world))

    world.campaign("spring", PEOPLE, NOT_YET)
    world.start(lose)
    assert ended == [1]
    world.wait_for_status("spring", "running")
    assert imported(world, "spring") == len(PEOPLE)


def test_a_contact_that_somebody_else_adds_during_an_import_is_no_reason_to_stop_calling(world: World) -> None:
    world.campaign("spring", PEOPLE[1:2], NOT_YET)
    world.reload()
    wait_until(lambda: imported(world, "spring") == 1)
    world.call_list("spring", PEOPLE[1:])
    with psycopg.connect(world.dsn) as other:
        other.execute(
            "INSERT INTO call_tasks (id, campaign_id, phone_number, created_at, updated_at)"
            " VALUES (%s, %s, %s, now(), now())",
            (new_id(), world.id("spring"), PEOPLE[-1]),
        )
        world.reload()
        wait_for_an_import_that_waits(world)
        other.execute("UPDATE campaigns SET total_tasks = total_tasks + 1 WHERE slug = 'spring'")
    wait_until(lambda: imported(world, "spring") == len(PEOPLE) - 1, 20)
    assert not world.service.failed.is_set()
    world.check_ledger()


@pytest.mark.parametrize("how", ["disabled", "removed"])
def test_a_campaign_that_is_taken_back_while_its_list_is_imported_is_not_started(world: World, how: str) -> None:
    world.campaign("spring", PEOPLE, NOT_YET)
    with nobody_writes_tasks(world):
        assert world.reload() is Result.APPLIED
        wait_for_an_import_that_waits(world)
        if how == "disabled":
            world.campaign("spring", PEOPLE, f"enabled = false\n{NOT_YET}")
        else:
            (world.folder / "campaigns.d" / "spring.toml").unlink()
        assert world.reload() is Result.APPLIED
    wait_until(lambda: imported(world, "spring") == len(PEOPLE), 20)
    # Another list shows that whoever imports has come to the end of this one, and lives.
    world.call_list("autumn", PEOPLE[:2])
    world.reload()
    wait_until(lambda: imported(world, "autumn") == 2, 20)
    assert world.row("spring")["status"] == "draft"
    assert not world.service.failed.is_set()


def test_a_list_that_has_vanished_keeps_no_other_campaign_from_calling(world: World) -> None:
    world.campaign("autumn", PEOPLE[:2], NOT_YET)
    world.campaign("spring", PEOPLE, NOT_YET)
    world.campaign("winter", PEOPLE, NOT_YET)
    lists = world.folder / "lists"
    with capture_logs() as logs:
        with nobody_writes_tasks(world):
            assert world.reload() is Result.APPLIED
            wait_for_an_import_that_waits(world)
            (lists / "spring.csv").rename(lists / "elsewhere.csv")
        world.wait_for_status("winter", "running")
    assert world.row("spring")["status"] == "draft"
    assert {log["campaign"] for log in logs if log["event"] == "call_list_put_off"} == {"spring"}
    (lists / "elsewhere.csv").rename(lists / "spring.csv")
    world.wait_for_status("spring", "running")


def test_a_list_that_vanishes_while_the_service_starts_is_imported_once_it_is_there(still_world: World) -> None:
    world = still_world
    for slug in ("autumn", "spring", "winter"):
        world.campaign(slug, PEOPLE, NOT_YET)
    lists = world.folder / "lists"

    def vanish(slug: str, done: int, total: int) -> None:
        if slug == "autumn" and (lists / "spring.csv").exists():
            (lists / "spring.csv").rename(lists / "elsewhere.csv")

    world.start(vanish)
    assert [world.row(slug)["status"] for slug in ("autumn", "spring", "winter")] == ["running", "draft", "running"]
    (lists / "elsewhere.csv").rename(lists / "spring.csv")
    world.wait_for_status("spring", "running")


def test_a_list_that_vanishes_before_it_is_read_is_imported_once_it_is_there(world: World) -> None:
    lists = world.folder / "lists"
    world.call_list("autumn", PEOPLE)
    with capture_logs() as logs:
        with another_import(world, "autumn"):
            world.reload()
            wait_for_an_import_that_waits_for_another(world)
            (lists / "autumn.csv").rename(lists / "elsewhere.csv")
        wait_until(lambda: [log for log in logs if log["event"] == "call_list_put_off"], 20)
    (lists / "elsewhere.csv").rename(lists / "autumn.csv")
    wait_until(lambda: imported(world, "autumn") == len(PEOPLE), 20)


def test_a_start_ends_when_the_service_fails_while_a_list_waits_for_another_import(world: World) -> None:
    world.stop()
    world.call_list("autumn", PEOPLE)
    with another_import(world, "autumn"), ThreadPoolExecutor() as executor:
        starting = executor.submit(world.start)
        wait_for_an_import_that_waits_for_another(world)
        world.service.failed.set()
        with pytest.raises(CampaignServiceError, match="failed while it started"):
            starting.result(60)
    assert imported(world, "autumn") == 1
