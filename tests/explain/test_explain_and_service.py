"""What explain says agrees with what the running service does."""

from __future__ import annotations

from datetime import datetime, timedelta

from actors.limiter import CallLimits
from actors.roster import statuses
from supervisor.explain.explanation import explain_campaign, explain_task
from supervisor.explain.reasons import Hindrance, Reason
from supervisor.simulator import Answer, Refuse
from tests.waiting import wait_until
from tests.world import TUESDAY, World

QUICK, LONG = Answer(ring_s=1, talk_s=5), Answer(ring_s=1, talk_s=100_000)
ONE, TWO, THREE = "+79450000001", "+79450000002", "+79450000003"
HOUR = timedelta(hours=1)


def counts(world: World, trunk: CallLimits | None = None) -> dict[Reason, int]:
    explained = explain_campaign(
        world.connection, world.id("spring"), {"main": trunk or CallLimits()}, world.clock.now()
    )
    return {count.reason: count.tasks for count in explained.counts}


def first_reason(world: World, number: str) -> Hindrance:
    trunks = {"main": CallLimits()}
    return explain_task(world.connection, world.id("spring"), trunks, world.clock.now(), number=number).hindrances[0]


def move_to(world: World, instant: datetime) -> None:
    world.advance(instant - world.clock.now())


def test_the_window_that_is_said_to_open_opens(still_world: World) -> None:
    still_world.campaign("spring", [ONE], '[schedule]\ndaily_start_time = "18:00"\ndaily_end_time = "20:00"')
    still_world.livekit.set_script({ONE: [QUICK]})
    still_world.start()
    closed = first_reason(still_world, ONE)
    assert closed.reason is Reason.WINDOW_CLOSED
    assert closed.until is not None
    move_to(still_world, closed.until - timedelta(seconds=1))
    assert counts(still_world) == {Reason.WINDOW_CLOSED: 1}
    assert not still_world.livekit.rings()
    move_to(still_world, closed.until)
    still_world.wait_for_status("spring", "completed")
    assert counts(still_world) == {Reason.COMPLETED: 1}


def test_at_a_concurrent_limit_exactly_as_many_are_called_as_it_says(still_world: World) -> None:
    still_world.campaign("spring", [ONE, TWO, THREE], "[limits]\nmax_concurrent_calls = 1")
    still_world.livekit.set_script({ONE: [LONG], TWO: [QUICK], THREE: [QUICK]})
    still_world.start()
    wait_until(lambda: counts(still_world) == {Reason.IN_PROGRESS: 1, Reason.CAMPAIGN_CONCURRENT: 2})
    assert first_reason(still_world, ONE).reason is Reason.IN_PROGRESS
    wait_until(lambda: [ring.number for ring in still_world.livekit.rings()] == [ONE])


def test_a_per_minute_limit_has_room_at_the_instant_that_it_says(still_world: World) -> None:
    still_world.campaign("spring", [ONE, TWO, THREE], "[limits]\ncalls_per_minute = 2")
    still_world.livekit.set_script({number: [QUICK] for number in (ONE, TWO, THREE)})
    still_world.start()
    wait_until(lambda: counts(still_world) == {Reason.COMPLETED: 2, Reason.CAMPAIGN_PER_MINUTE: 1})
    room = first_reason(still_world, THREE).until
    assert room is not None
    move_to(still_world, room)
    still_world.wait_for_status("spring", "completed")
    (late,) = [call for call in still_world.calls("spring") if call["phone_number"] == THREE]
    assert late["dialing_at"] == room


def test_a_trunks_limit_holds_as_it_says(still_world: World) -> None:
    still_world.limit(trunk="max_concurrent_calls = 1")
    still_world.campaign("spring", [ONE, TWO])
    still_world.livekit.set_script({ONE: [LONG], TWO: [QUICK]})
    still_world.start()
    expected = {Reason.IN_PROGRESS: 1, Reason.TRUNK_CONCURRENT: 1}
    wait_until(lambda: counts(still_world, CallLimits(concurrent=1)) == expected)


def test_a_retry_happens_when_it_says(still_world: World) -> None:
    still_world.campaign("spring", [ONE], "[retry]\njitter = 0\nretry_delay_minutes = 30")
    still_world.livekit.set_script({ONE: [Refuse(480, "Temporarily Unavailable"), QUICK]})
    still_world.start()
    wait_until(lambda: counts(still_world) == {Reason.WAITING_FOR_RETRY: 1})
    waits = first_reason(still_world, ONE)
    assert "no_answer (attempt 1 of 3)" in waits.text
    assert waits.until == TUESDAY + HOUR / 2
    move_to(still_world, waits.until)
    still_world.wait_for_status("spring", "completed")
    assert still_world.calls("spring")[-1]["claimed_at"] == waits.until


def test_a_campaign_that_an_operator_holds_calls_nobody_until_it_is_resumed(still_world: World) -> None:
    still_world.campaign("spring", [ONE, TWO], "[limits]\nmax_concurrent_calls = 1")
    still_world.livekit.set_script({ONE: [QUICK], TWO: [QUICK]})
    still_world.campaign("spring", [ONE, TWO], '[schedule]\ndaily_start_time = "18:00"\ndaily_end_time = "20:00"')
    still_world.start()
    statuses.pause(still_world.connection, still_world.id("spring"), still_world.clock.now(), "lunch")
    move_to(still_world, TUESDAY + 9 * HOUR)  # 18:00: only the hold is left
    assert counts(still_world) == {Reason.HELD: 2}
    assert "operator (lunch)" in first_reason(still_world, ONE).text
    assert not still_world.livekit.rings()
    statuses.resume(still_world.connection, still_world.id("spring"), still_world.clock.now(), "back")
    still_world.wait_for_status("spring", "completed")


def test_a_place_that_is_closed_opens_when_it_says(still_world: World) -> None:
    new_york = "+12125550112"
    settings = '[schedule]\ndaily_start_time = "09:00"\ndaily_end_time = "21:00"\ncontact_local_time = true'
    still_world.campaign("spring", [new_york, "+442079460112"], settings)
    still_world.livekit.set_script({new_york: [QUICK], "+442079460112": [QUICK]})
    still_world.start()  # 09:00 in London, 04:00 in New York
    wait_until(lambda: counts(still_world) == {Reason.COMPLETED: 1, Reason.PLACE_CLOSED: 1})
    closed = first_reason(still_world, new_york)
    (task,) = still_world.read("SELECT next_attempt_at FROM call_tasks WHERE status = 'pending'")
    assert closed.until == task["next_attempt_at"] == TUESDAY + 5 * HOUR


def test_a_service_that_is_stopped_is_missed(still_world: World) -> None:
    still_world.campaign("spring", [ONE, TWO], "[limits]\nmax_concurrent_calls = 1")
    still_world.livekit.set_script({ONE: [LONG], TWO: [QUICK]})
    still_world.start()
    wait_until(lambda: counts(still_world) == {Reason.IN_PROGRESS: 1, Reason.CAMPAIGN_CONCURRENT: 1})
    still_world.stop()
    wait_until(lambda: counts(still_world) == {Reason.IN_PROGRESS: 1, Reason.NO_SERVICE: 1})
