"""A reload: what changes in the files is in force under running calls, or nothing is."""

from __future__ import annotations

import os

import psycopg
import pytest
from structlog.testing import capture_logs

from actors.call import room_name
from actors.roster import statuses
from supervisor.reload import Result
from supervisor.simulator.behaviours import Answer
from tests.livekit_rooms import close_room
from tests.waiting import wait_until
from tests.world import World

RELOADS = int(os.environ.get("CAMPAIGND_RELOADS", "100"))
"""`make reloads` has a thousand, an even number like all."""
LONG = "[call]\nmax_call_duration_s = 86400\nagent_timeout_s = 60"
"""Calls that nobody ends but they themselves."""
PEOPLE = [f"+79450001{ending:03}" for ending in range(100, 110)]


def _in_progress(world: World, slug: str) -> int:
    return sum(call["state"] in ("dialing", "answered") for call in world.calls(slug))


def _all_talk(world: World) -> None:
    world.livekit.set_script({number: [Answer(ring_s=1, talk_s=80_000)] for number in PEOPLE})


def test_limits_change_under_running_calls_without_dropping_one(still_world: World) -> None:
    world = still_world
    _all_talk(world)
    world.campaign("spring", PEOPLE, "[limits]\nmax_concurrent_calls = 2\n" + LONG)
    world.start()
    wait_until(lambda: _in_progress(world, "spring") == 2, 20)
    world.campaign("spring", PEOPLE, "[limits]\nmax_concurrent_calls = 5\n" + LONG)
    with capture_logs() as logs:
        assert world.reload() is Result.APPLIED
    assert "campaign spring: limits.max_concurrent_calls 2 → 5" in [log.get("change") for log in logs]
    wait_until(lambda: _in_progress(world, "spring") == 5, 20)
    world.campaign("spring", PEOPLE, "[limits]\nmax_concurrent_calls = 1\n" + LONG)
    assert world.reload() is Result.APPLIED
    wait_until(lambda: world.row("spring")["max_concurrent_calls"] == 1, 5)
    assert _in_progress(world, "spring") == 5


def test_a_trunks_limit_and_a_companys_are_in_force_after_a_reload(still_world: World) -> None:
    world = still_world
    _all_talk(world)
    world.limit(trunk="max_concurrent_calls = 1")  # the company gets its first limit while its campaign runs
    world.campaign("spring", PEOPLE, LONG)
    world.start()
    wait_until(lambda: _in_progress(world, "spring") == 1, 20)
    world.limit(trunk="max_concurrent_calls = 6", company="max_concurrent_calls = 3")
    assert world.reload() is Result.APPLIED
    wait_until(lambda: _in_progress(world, "spring") == 3, 20)
    world.limit(trunk="max_concurrent_calls = 6", company="max_concurrent_calls = 4")
    assert world.reload() is Result.APPLIED
    wait_until(lambda: _in_progress(world, "spring") == 4, 20)


def test_a_mistake_in_any_file_changes_nothing_and_is_told(still_world: World) -> None:
    world = still_world
    world.campaign("spring", PEOPLE, "enabled = false")
    world.start()
    before, row = world.service.snapshot, world.row("spring")
    world.campaign("spring", PEOPLE, "enabled = false\n[limits]\ncalls_per_minute = 7")
    (world.folder / "campaigns.d" / "summer.toml").write_text('name = "Summer"\ncalls = 3\n')
    with capture_logs() as logs:
        assert world.reload() is Result.REFUSED
    refused = [log["reason"] for log in logs if log["event"] == "configuration_refused"]
    assert any("summer.toml: calls: unknown key" in reason for reason in refused)
    assert len(refused) > 1, "every mistake is told, not the first alone"
    assert world.service.snapshot is before
    assert world.row("spring") == row


def test_a_removed_file_holds_its_campaign_and_its_calls_go_on(still_world: World) -> None:
    world = still_world
    _all_talk(world)
    world.campaign("spring", PEOPLE, "[limits]\nmax_concurrent_calls = 2\n" + LONG)
    world.start()
    wait_until(lambda: _in_progress(world, "spring") == 2, 20)
    file = world.folder / "campaigns.d" / "spring.toml"
    text = file.read_text()
    file.unlink()
    assert world.reload() is Result.APPLIED
    world.wait_for_status("spring", "paused")
    assert _in_progress(world, "spring") == 2
    file.write_text(text)
    assert world.reload() is Result.APPLIED
    world.wait_for_status("spring", "running")


def test_a_campaign_and_a_trunk_are_added_and_a_list_grows(fast_world: World) -> None:
    world = fast_world
    world.campaign("spring", PEOPLE[:2], "enabled = true\n[schedule]\nstart_time = 2027-01-01T00:00:00+00:00")
    world.start()
    world.another_trunk("second")
    world.campaign("summer", PEOPLE[:3], trunk="second")
    world.call_list("spring", PEOPLE[:5])
    assert world.reload() is Result.APPLIED
    world.wait_for_status("summer", "completed", 30)
    assert len(world.calls("summer")) >= 3
    wait_until(lambda: world.row("spring")["total_tasks"] == 5, 20)
    world.check_ledger()


def test_keys_that_need_a_restart_are_named_and_stay_as_they_are(still_world: World) -> None:
    world = still_world
    world.campaign("spring", PEOPLE, "enabled = false")
    world.start()
    file = world.folder / "campaignd.toml"
    file.write_text(file.read_text().replace('"state"', '"elsewhere"'))
    with capture_logs() as logs:
        assert world.service.reload() is Result.APPLIED
    assert [log["keys"] for log in logs if log["event"] == "restart_needed"] == [["service.state_directory"]]
    assert world.service.snapshot.service.service.state_directory == "state"


def test_nothing_is_done_where_nothing_differs(still_world: World) -> None:
    world = still_world
    world.campaign("spring", PEOPLE, "enabled = false")
    world.start()
    assert world.reload() is Result.UNCHANGED


def test_a_disabled_campaign_is_held_and_goes_on_when_it_is_enabled_but_not_if_an_operator_paused_it(
    still_world: World,
) -> None:
    world = still_world
    _all_talk(world)
    world.campaign("spring", PEOPLE, LONG)
    world.start()
    world.wait_for_status("spring", "running")
    world.campaign("spring", PEOPLE, f"enabled = false\n{LONG}")
    assert world.reload() is Result.APPLIED
    world.wait_for_status("spring", "paused")
    statuses.pause(world.connection, world.id("spring"), world.clock.now(), "lunch")
    world.campaign("spring", PEOPLE, LONG)
    assert world.reload() is Result.APPLIED
    holds = world.read("SELECT hold FROM campaign_holds")
    assert [row["hold"] for row in holds] == ["operator"]
    assert world.row("spring")["status"] == "paused"


def test_without_postgresql_nothing_changes_and_the_next_reload_applies_all_of_it(still_world: World) -> None:
    world = still_world
    world.campaign("spring", PEOPLE, "enabled = false")
    world.start()
    before = world.service.snapshot
    world.campaign("spring", PEOPLE, "enabled = false\n[limits]\ncalls_per_minute = 7")
    with world.connection.transaction():
        # Whoever holds the row for longer than a reload waits is as good as a PostgreSQL that does not answer.
        world.connection.execute("SELECT FROM campaigns FOR UPDATE")
        world.connection.execute("ALTER TABLE campaigns RENAME TO away")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("supervisor.reload._STATEMENT_TIMEOUT", "-c lock_timeout=100")
            assert world.reload() is Result.REFUSED
        raise psycopg.Rollback
    assert world.service.snapshot is before
    assert world.reload() is Result.APPLIED
    assert world.row("spring")["calls_per_minute"] == 7


def test_a_campaign_that_is_given_another_trunk_calls_through_it_and_leaves_no_permit_behind(
    still_world: World,
) -> None:
    world = still_world
    _all_talk(world)
    limit = f"[limits]\nmax_concurrent_calls = 4\n{LONG}"
    world.limit(trunk="max_concurrent_calls = 2")
    world.another_trunk("second")
    world.campaign("spring", PEOPLE, limit)
    world.start()
    wait_until(lambda: _in_progress(world, "spring") == 2, 20)
    world.campaign("spring", PEOPLE, limit, trunk="second")
    assert world.reload() is Result.APPLIED
    wait_until(lambda: _in_progress(world, "spring") == 4, 20)
    assert sorted(call["trunk"] for call in world.calls("spring")) == ["main", "main", "second", "second"]
    # What the first trunk permitted still counts there, and nothing else does: another campaign gets what becomes free.
    world.campaign("summer", ["+79450005550", "+79450005551"], LONG)
    assert world.reload() is Result.APPLIED
    wait_until(lambda: world.row("summer")["total_tasks"] == 2, 20)
    assert _in_progress(world, "summer") == 0
    first_two = [call for call in world.calls("spring") if call["trunk"] == "main"]
    for call in first_two:
        close_room(world.livekit, room_name(call["id"]))
    wait_until(lambda: len(world.calls("summer")) >= 2, 20)


def test_a_trunk_that_is_gone_permits_nothing_new_and_its_calls_go_on(still_world: World) -> None:
    world = still_world
    _all_talk(world)
    world.another_trunk("second")
    world.campaign("spring", PEOPLE, f"[limits]\nmax_concurrent_calls = 2\n{LONG}", trunk="second")
    world.start()
    wait_until(lambda: _in_progress(world, "spring") == 2, 20)
    (world.folder / "campaigns.d" / "spring.toml").unlink()
    world.limit()
    assert world.reload() is Result.APPLIED
    world.wait_for_status("spring", "paused")
    assert _in_progress(world, "spring") == 2
    world.another_trunk("second")
    world.campaign("spring", PEOPLE, f"[limits]\nmax_concurrent_calls = 3\n{LONG}", trunk="second")
    assert world.reload() is Result.APPLIED
    wait_until(lambda: _in_progress(world, "spring") == 3, 20)


def test_many_reloads_under_load_lose_nothing(fast_world: World) -> None:
    world = fast_world
    people = [f"+7945002{ending:04}" for ending in range(250)]
    world.campaign("spring", people, "[limits]\nmax_concurrent_calls = 10\n[retry]\nretry_delay_minutes = 0.5")
    world.start()
    file = world.folder / "campaigns.d" / "spring.toml"
    text = file.read_text()
    before = len(world.livekit.rings())
    for turn in range(RELOADS):
        file.write_text(text.replace("calls = 10", f"calls = {5 + turn % 2 * 10}"))
        assert world.service.reload() is Result.APPLIED
    assert len(world.livekit.rings()) - before >= 20, "they were not under load"
    assert world.row("spring")["max_concurrent_calls"] == 15
    world.wait_for_status("spring", "completed", 90)
    assert {task["status"] for task in world.tasks("spring")} <= {"completed", "failed"}
    world.check_ledger()
