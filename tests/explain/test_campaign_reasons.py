"""What keeps a whole campaign from calling: for a task of it, and counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actors.limiter import COUNTED_MINUTE, CallLimits
from supervisor.explain.reasons import Reason
from tests.explain.states import AUTUMN, HOUR, MINUTE, NOW, SPRING, States


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("draft", Reason.CAMPAIGN_DRAFT),
        ("completed", Reason.CAMPAIGN_COMPLETED),
        ("failed", Reason.CAMPAIGN_FAILED),
        ("paused", Reason.HELD),
    ],
)
def test_a_campaign_that_does_not_run_calls_nobody(states: States, status: str, reason: Reason) -> None:
    task = states.task()
    states.campaign(status=status)
    assert states.reasons(task) == [reason]
    assert states.counts() == {reason: 1}


def test_a_failed_campaign_says_why_it_failed_and_since_when(states: States) -> None:
    task = states.task()
    states.campaign(status="failed", status_message="Its actor keeps crashing", status_error="KeyError: 7")
    states.insert(
        "campaign_status_history", campaign_id=SPRING, from_status="running", to_status="failed", reason="it crashed",
        created_at=NOW - HOUR,
    )  # fmt: skip
    (failed,) = states.why(task).hindrances
    assert failed.text == "the campaign has failed: Its actor keeps crashing: KeyError: 7"
    assert failed.since == NOW - HOUR


def test_every_hold_is_named_with_its_message(states: States) -> None:
    task = states.task()
    states.hold("operator", "the offer has changed")
    states.hold("breaker:livekit", "LiveKit is failing", "503")
    (held,) = states.why(task).hindrances
    assert held.reason is Reason.HELD
    assert "operator (the offer has changed)" in held.text
    assert "breaker:livekit (LiveKit is failing: 503)" in held.text
    assert states.counts() == {Reason.HELD: 1}


def test_before_its_start_a_campaign_waits_for_its_first_open_minute(states: States) -> None:
    task = states.task()
    states.campaign(start_time=NOW + 12 * HOUR, daily_start_time="09:00", daily_end_time="18:00")
    (begins,) = states.why(task).hindrances
    assert (begins.reason, begins.until) == (Reason.NOT_BEGUN, NOW + 21 * HOUR)
    assert states.counts() == {Reason.NOT_BEGUN: 1}


def test_after_its_end_a_campaign_calls_nobody_any_more(states: States) -> None:
    task = states.task()
    states.campaign(end_time=NOW - HOUR)
    (over,) = states.why(task).hindrances
    assert (over.reason, over.since) == (Reason.TIME_OVER, NOW - HOUR)
    assert states.counts() == {Reason.TIME_OVER: 1}


def test_a_campaign_whose_window_does_not_open_again_before_its_end_is_over(states: States) -> None:
    task = states.task()
    states.campaign(end_time=NOW + HOUR, daily_start_time="09:00", daily_end_time="11:00")
    assert states.reasons(task) == [Reason.TIME_OVER]


def test_a_closed_window_says_when_it_opens(states: States) -> None:
    task = states.task()
    states.campaign(timezone="Europe/Moscow", daily_start_time="09:00", daily_end_time="15:00")  # it is 15:00
    (closed,) = states.why(task).hindrances
    assert (closed.reason, closed.until) == (Reason.WINDOW_CLOSED, NOW + 18 * HOUR)
    assert states.counts() == {Reason.WINDOW_CLOSED: 1}


def test_a_trunk_that_the_services_file_does_not_name_is_said(states: States) -> None:
    task = states.task()
    states.trunks = {}
    assert states.reasons(task) == [Reason.NO_TRUNK]
    assert states.counts() == {Reason.NO_TRUNK: 1}


def test_that_no_service_works_the_campaign_is_said(states: States) -> None:
    task = states.task()
    states.campaign(max_concurrent_calls=1)
    states.in_progress()
    states.stop_service()
    assert states.reasons(task) == [Reason.NO_SERVICE, Reason.CAMPAIGN_CONCURRENT]
    assert states.counts() == {Reason.IN_PROGRESS: 1, Reason.NO_SERVICE: 1}


def test_the_companys_limit_counts_calls_of_all_its_campaigns(states: States) -> None:
    task = states.task()
    states.company(max_concurrent_calls=2)
    states.in_progress()
    assert states.reasons(task) == [Reason.NOTHING]
    states.in_progress(campaign=AUTUMN)
    assert states.reasons(task) == [Reason.COMPANY_CONCURRENT]
    assert states.counts() == {Reason.IN_PROGRESS: 1, Reason.COMPANY_CONCURRENT: 1}


def test_the_campaigns_concurrent_limit_counts_its_own_calls(states: States) -> None:
    task = states.task()
    states.campaign(max_concurrent_calls=1)
    states.in_progress(campaign=AUTUMN)
    assert states.reasons(task) == [Reason.NOTHING]
    states.in_progress()
    assert states.reasons(task) == [Reason.CAMPAIGN_CONCURRENT]
    assert states.counts() == {Reason.IN_PROGRESS: 1, Reason.CAMPAIGN_CONCURRENT: 1}


def test_the_campaigns_calls_per_minute_are_used_up_until_the_first_of_them_is_a_minute_old(states: States) -> None:
    task = states.task()
    states.campaign(calls_per_minute=2)
    states.begun(NOW - timedelta(seconds=45))
    states.in_progress(NOW - timedelta(seconds=10))
    (limit,) = states.why(task).hindrances
    assert limit.reason is Reason.CAMPAIGN_PER_MINUTE
    opens = NOW - timedelta(seconds=45) + COUNTED_MINUTE + timedelta(microseconds=1)
    assert limit.until == opens
    states.now = opens
    assert states.reasons(task) == [Reason.NOTHING]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (CallLimits(concurrent=1), Reason.TRUNK_CONCURRENT),
        (CallLimits(per_minute=1), Reason.TRUNK_PER_MINUTE),
        (CallLimits(per_second=1), Reason.TRUNK_PER_SECOND),
    ],
)
def test_a_trunks_limits_count_calls_of_all_campaigns(states: States, limits: CallLimits, reason: Reason) -> None:
    task = states.task()
    states.trunks = {"main": limits}
    states.in_progress(NOW, campaign=AUTUMN)
    assert states.reasons(task) == [reason]
    assert states.counts() == {reason: 1}


def test_a_trunk_that_its_carrier_has_slowed_down_says_so(states: States) -> None:
    task = states.task()
    states.trunks = {"main": CallLimits(per_minute=600)}
    states.insert("trunk_paces", trunk="main", calls_per_minute=60, too_fast_at=NOW - timedelta(seconds=20))
    for second in range(1, 60):
        states.begun(NOW - timedelta(seconds=second + 0.5), campaign=AUTUMN)
    assert states.reasons(task) == [Reason.NOTHING]
    states.in_progress(NOW - timedelta(seconds=5), campaign=AUTUMN)
    (slow,) = states.why(task).hindrances
    assert slow.reason is Reason.TRUNK_PER_MINUTE
    assert (
        slow.text == "trunk main's limit of 60 calls per minute is reached: its carrier refused more (600 configured)"
    )
    states.now = NOW + HOUR
    assert states.reasons(task) == [Reason.NOTHING]


def test_a_trunk_whose_carrier_takes_few_calls_at_once_says_so(states: States) -> None:
    task = states.task()
    states.insert("trunk_paces", trunk="main", max_concurrent_calls=1.4, too_many_at=NOW)
    states.in_progress(campaign=AUTUMN)
    (few,) = states.why(task).hindrances
    assert few.reason is Reason.TRUNK_CONCURRENT
    assert few.text.endswith("limit of 1 calls at once is reached: its carrier refused more (no limit configured)")


@pytest.mark.parametrize(
    ("at_once", "abandoned", "said"),
    [(4, 3, "one call at once: 3.0%"), (None, 3, "one call at once: 3.0%"), (4, 2, "2 calls at once: 2.0%")],
)
def test_a_campaign_of_whose_calls_too_many_find_no_agent_says_that_it_is_slowed_down(
    states: States, at_once: int | None, abandoned: int, said: str
) -> None:
    task = states.task()
    states.campaign(max_concurrent_calls=at_once)
    for outcome, calls in (("answered", 100 - abandoned), ("agent_failed", abandoned)):
        for _ in range(calls):
            then, until = NOW - HOUR, NOW - HOUR / 2
            called = states.task(status="completed", outcome=outcome)
            states.call(called, then, "ended", outcome=outcome, answered_at=then, ended_at=until)
    assert states.reasons(task) == [Reason.NOTHING]
    for _ in range(2 if abandoned == 2 else 1):
        states.in_progress()
    (slow,) = states.why(task).hindrances
    assert slow.reason is Reason.SLOWED_DOWN
    assert slow.text == (
        f"the campaign is slowed down to {said} of those who answered found no agent (max_abandon_rate 3.0%)"
    )
    assert states.counts()[Reason.SLOWED_DOWN] == 1


def test_a_campaign_of_one_call_at_once_is_never_slowed_down(states: States) -> None:
    task = states.task()
    states.campaign(max_concurrent_calls=1)
    for _ in range(3):
        called = states.task(status="completed", outcome="agent_failed")
        states.call(called, NOW - HOUR, "ended", outcome="agent_failed", answered_at=NOW - HOUR, ended_at=NOW)
    states.in_progress()
    assert states.reasons(task) == [Reason.CAMPAIGN_CONCURRENT]


def test_whose_turn_it_is_not_stands_behind_those_with_higher_priority_or_older(states: States) -> None:
    states.campaign(max_concurrent_calls=2)
    low, older, newer, high = states.task(priority=-1), states.task(), states.task(), states.task(priority=5)
    assert states.reasons(high) == states.reasons(older) == [Reason.NOTHING]
    (behind,) = states.why(newer).hindrances
    assert (behind.reason, behind.text) == (Reason.BEHIND, "its turn is after 2 contacts with higher priority or older")
    assert states.why(low).hindrances[0].text.startswith("its turn is after 3 contacts")
    assert states.counts() == {Reason.NOTHING: 2, Reason.BEHIND: 2}
    examples = {count.reason: count.example for count in states.counted().counts}
    assert examples == {Reason.NOTHING: high, Reason.BEHIND: low}


def test_only_contacts_that_may_be_called_stand_in_the_queue(states: States) -> None:
    states.campaign(max_concurrent_calls=1)
    states.task("+79450009999", priority=9)
    states.forbid("+79450009999")
    states.task(status="retry", outcome="busy", attempt_count=1, next_attempt_at=NOW + HOUR, priority=8)
    task = states.task()
    assert states.reasons(task) == [Reason.NOTHING]


def test_at_a_limit_a_contact_is_told_how_many_are_before_it_too(states: States) -> None:
    states.campaign(max_concurrent_calls=1)
    states.in_progress()
    states.task()
    task = states.task()
    assert states.reasons(task) == [Reason.CAMPAIGN_CONCURRENT, Reason.BEHIND]


def test_of_all_reasons_the_first_is_what_lasts_longest(states: States) -> None:
    """Never; until somebody acts; until a time, the latest first; until there is room."""
    states.campaign(max_concurrent_calls=1, daily_start_time="14:00", daily_end_time="15:00", contact_local_time=False)
    states.company(max_attempts_per_day=1)
    states.in_progress()
    task = states.task("+79450009999", status="retry", outcome="busy", attempt_count=1, next_attempt_at=NOW + HOUR)
    states.call(task, NOW - 10 * HOUR, "ended")
    states.stop_service()
    timed = [Reason.ATTEMPTS_PER_DAY, Reason.WINDOW_CLOSED, Reason.WAITING_FOR_RETRY]
    rest = [*timed, Reason.NO_SERVICE, Reason.CAMPAIGN_CONCURRENT]
    assert states.reasons(task) == rest
    assert states.why(task).not_before == NOW + 26 * HOUR
    states.hold("operator", "lunch")
    assert states.reasons(task) == [Reason.HELD, *rest]
    states.forbid("+79450009999")
    assert states.reasons(task) == [Reason.DO_NOT_CALL]
    states.campaign(status="completed")
    assert states.reasons(task) == [Reason.DO_NOT_CALL, Reason.CAMPAIGN_COMPLETED]
    assert states.counts()[Reason.DO_NOT_CALL] == 1


def test_nothing_is_written_and_every_contact_is_counted_once(states: States) -> None:
    for _ in range(3):
        states.task()
    states.begun(NOW - MINUTE)
    states.in_progress()
    states.task(status="retry", outcome="busy", attempt_count=1, next_attempt_at=NOW - HOUR)
    before = states.connection.execute("SELECT id, xmin::text FROM call_tasks ORDER BY id").fetchall()
    assert states.counted().total == 6
    assert states.connection.execute("SELECT id, xmin::text FROM call_tasks ORDER BY id").fetchall() == before
