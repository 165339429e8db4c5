"""What is changed while PostgreSQL's notifications are lost: it is found all the same."""

from __future__ import annotations

from datetime import timedelta

from actors.addresses import ROSTER
from actors.ids import new_id
from actors.roster.messages import LookAround
from actors.roster.statuses import pause, resume
from supervisor.simulator import Answer
from tests.waiting import wait_until
from tests.world import TUESDAY, World

CLOSED = '[schedule]\ndaily_start_time = "18:00"\ndaily_end_time = "20:00"'
TRIGGERS = {"campaigns": "campaign_changed", "campaign_holds": "campaign_held", "call_tasks": "tasks_added"}
FIRST, SECOND = "+79450000001", "+79450000002"


def started(world: World, settings: str = "") -> None:
    world.campaign("spring", [FIRST], settings)
    world.livekit.set_script({number: [Answer(ring_s=1, talk_s=5)] for number in (FIRST, SECOND)})
    world.start()
    for table, trigger in TRIGGERS.items():
        world.connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}".encode())


def called(world: World) -> list[str]:
    return [ring.number for ring in world.livekit.rings()]


def test_a_window_that_is_opened_by_other_settings_is_seen_at_the_next_look_around(still_world: World) -> None:
    started(still_world, CLOSED)
    still_world.connection.execute(
        "UPDATE campaigns SET daily_start_time = '08:00', updated_at = %s", (TUESDAY + timedelta(seconds=1),)
    )
    assert called(still_world) == []
    still_world.tell(ROSTER, LookAround())
    still_world.wait_for_status("spring", "completed")
    assert called(still_world) == [FIRST]


def test_a_pause_and_its_end_are_seen_at_the_next_look_around(still_world: World) -> None:
    started(still_world, CLOSED)
    campaign, now = still_world.id("spring"), TUESDAY + timedelta(seconds=1)
    pause(still_world.connection, campaign, now, "for now")
    still_world.tell(ROSTER, LookAround())
    still_world.connection.execute("UPDATE campaigns SET daily_start_time = '08:00'")
    resume(still_world.connection, campaign, now, "and on")
    still_world.tell(ROSTER, LookAround())
    still_world.wait_for_status("spring", "completed")
    assert called(still_world) == [FIRST]


def test_a_pause_that_ends_while_the_roster_is_down_is_seen_when_it_is_back(still_world: World) -> None:
    started(still_world, CLOSED)
    campaign, directory = still_world.id("spring"), still_world.service.directory
    pause(still_world.connection, campaign, TUESDAY + timedelta(seconds=1), "for now")
    still_world.tell(ROSTER, LookAround())
    still_world.tell(ROSTER, "nonsense")
    wait_until(lambda: directory.find(ROSTER) is None, what="the Roster's crash")
    still_world.connection.execute("UPDATE campaigns SET daily_start_time = '08:00'")
    resume(still_world.connection, campaign, TUESDAY + timedelta(seconds=2), "and on")
    still_world.advance(timedelta(seconds=2))
    still_world.wait_for_status("spring", "completed")
    assert called(still_world) == [FIRST]


def test_a_closed_campaign_calls_whom_it_was_given_meanwhile_when_it_opens(still_world: World) -> None:
    started(still_world, CLOSED)
    campaign = still_world.id("spring")
    still_world.connection.execute(
        "INSERT INTO call_tasks (id, campaign_id, phone_number, created_at, updated_at) VALUES (%s, %s, %s, %s, %s)",
        (new_id(), campaign, SECOND, TUESDAY, TUESDAY),
    )
    still_world.connection.execute("UPDATE campaigns SET total_tasks = 2")
    still_world.advance(timedelta(hours=9) - timedelta(seconds=1))
    assert called(still_world) == []
    still_world.advance(timedelta(seconds=1))
    wait_until(lambda: sorted(called(still_world)) == [FIRST, SECOND])
    still_world.wait_for_status("spring", "completed")
    still_world.check_ledger()
