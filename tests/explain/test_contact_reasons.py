"""What keeps one contact from being called, for that task and counted for its campaign."""

from __future__ import annotations

from datetime import datetime

import pytest

from actors.errors import CampaignValidationError
from supervisor.explain.reasons import Reason
from tests.explain.states import ACME, AUTUMN, HOUR, MINUTE, MOSCOW, NEW_YORK, NOW, VLADIVOSTOK, States

NINE_TO_NINE = {
    "timezone": "Europe/Moscow",
    "daily_start_time": "09:00",
    "daily_end_time": "21:00",
    "contact_local_time": True,
}


def test_a_contact_that_nothing_hinders_may_be_called_now(states: States) -> None:
    task = states.task()
    why = states.why(task)
    assert [hindrance.reason for hindrance in why.hindrances] == [Reason.NOTHING]
    assert why.not_before == NOW
    assert states.counts() == {Reason.NOTHING: 1}


def test_settled_contacts_say_how_they_ended(states: States) -> None:
    reached = states.task(status="completed", outcome="answered", updated_at=NOW - 2 * HOUR)
    wrong = states.task(status="failed", outcome="invalid_number", error_message="SIP 404")
    refused = states.task(status="failed", error_message="On the do-not-call list")
    for task, reason, text in (
        (reached, Reason.COMPLETED, "called already: answered"),
        (wrong, Reason.FAILED, "given up: invalid_number (SIP 404)"),
        (refused, Reason.FAILED, "given up: On the do-not-call list"),
    ):
        (hindrance,) = states.why(task).hindrances
        assert (hindrance.reason, hindrance.text) == (reason, text)
    assert states.why(reached).hindrances[0].since == NOW - 2 * HOUR
    assert [(count.text, count.tasks) for count in states.counted().counts] == [
        ("called already: answered", 1),
        ("given up: invalid_number", 1),
        ("given up: On the do-not-call list", 1),
    ]


@pytest.mark.parametrize(
    ("state", "began", "said"), [("claimed", None, "about to be dialed"), ("answered", NOW, "talking")]
)
def test_a_call_in_progress_is_all_there_is_to_say(
    states: States, state: str, began: datetime | None, said: str
) -> None:
    states.campaign(status="paused", max_concurrent_calls=1)
    task = states.in_progress(began, state=state)
    (hindrance,) = states.why(task).hindrances
    assert (hindrance.reason, hindrance.text) == (Reason.IN_PROGRESS, f"a call is in progress: {said}")
    assert states.counts() == {Reason.IN_PROGRESS: 1}


def test_a_number_on_do_not_call_is_never_called_whoever_forbade_it(states: States) -> None:
    theirs, everybodys = states.task(MOSCOW), states.task(NEW_YORK)
    states.task(VLADIVOSTOK, AUTUMN)
    states.forbid(MOSCOW, ACME, "asked us to stop")
    states.forbid(NEW_YORK)
    why = states.why(theirs)
    assert why.hindrances[0].text == "on its company's do-not-call list (asked us to stop)"
    assert (why.hindrances[0].reason, why.not_before) == (Reason.DO_NOT_CALL, None)
    assert states.why(everybodys).hindrances[0].text == "on everybody's do-not-call list"
    assert states.counts() == {Reason.DO_NOT_CALL: 2}


def test_another_companys_do_not_call_list_does_not_matter(states: States) -> None:
    other = ACME.__class__(int=99)
    states.insert("companies", id=other, slug="globex", name="Globex", created_at=NOW, updated_at=NOW)
    task = states.task(MOSCOW)
    states.forbid(MOSCOW, other)
    assert states.reasons(task) == [Reason.NOTHING]


def test_a_contact_waits_for_their_own_place_to_open_and_the_zones_are_named(states: States) -> None:
    states.campaign(**NINE_TO_NINE)
    moscow, new_york, vladivostok = states.task(MOSCOW), states.task(NEW_YORK), states.task(VLADIVOSTOK)
    assert states.reasons(moscow) == [Reason.NOTHING]
    (closed,) = states.why(new_york).hindrances
    assert (closed.reason, closed.zones) == (Reason.PLACE_CLOSED, ("America/New_York",))
    assert closed.until == NOW + 2 * HOUR  # 09:00 there, 17:00 in Moscow
    assert "America/New_York" in closed.text
    assert states.why(vladivostok).hindrances[0].until == NOW + 18 * HOUR  # 22:00 there; 09:00 in Moscow is 16:00
    counted = {count.text: (count.tasks, count.until_first) for count in states.counted().counts}
    assert counted["the window is closed at the contact's place: America/New_York"] == (1, NOW + 2 * HOUR)
    assert states.counts() == {Reason.PLACE_CLOSED: 2, Reason.NOTHING: 1}


def test_a_contact_whose_place_is_never_open_with_the_campaign_is_named_so(states: States) -> None:
    states.campaign(daily_start_time="09:00", daily_end_time="10:00", contact_local_time=True)
    task = states.task(VLADIVOSTOK)
    why = states.why(task)
    assert [hindrance.reason for hindrance in why.hindrances] == [Reason.NEVER_OPEN]
    assert why.not_before is None
    assert states.counts() == {Reason.NEVER_OPEN: 1}


def test_a_retry_waits_until_its_time_with_the_outcome_and_the_attempts(states: States) -> None:
    task = states.task(
        status="retry",
        outcome="busy",
        attempt_count=1,
        last_attempt_at=NOW - 5 * MINUTE,
        next_attempt_at=NOW + 25 * MINUTE,
    )
    states.task(status="retry", outcome="busy", attempt_count=2, next_attempt_at=NOW + HOUR, max_attempts=5)
    (waits,) = states.why(task).hindrances
    assert waits.reason is Reason.WAITING_FOR_RETRY
    assert waits.text == "waits for its next attempt, after busy (attempt 1 of 3)"
    assert (waits.since, waits.until) == (NOW - 5 * MINUTE, NOW + 25 * MINUTE)
    (count,) = states.counted().counts
    assert (count.reason, count.tasks) == (Reason.WAITING_FOR_RETRY, 2)
    assert (count.until_first, count.until_last) == (NOW + 25 * MINUTE, NOW + HOUR)
    assert count.example == task


def test_a_retry_whose_time_has_come_may_be_called_though_nobody_has_noticed(states: States) -> None:
    task = states.task(status="retry", outcome="busy", attempt_count=1, next_attempt_at=NOW)
    assert states.reasons(task) == [Reason.NOTHING]


def test_a_number_that_the_company_has_called_enough_today_rests(states: States) -> None:
    states.company(max_attempts_per_day=2)
    here, there = states.task(MOSCOW), states.task(MOSCOW, AUTUMN)
    for hours in (30, 20, 10):
        states.call(there, NOW - hours * HOUR, "ended", AUTUMN)
    assert states.why(here).hindrances[0].until == NOW + 4 * HOUR  # 24 hours after the first of the last two
    assert states.counts() == {Reason.ATTEMPTS_PER_DAY: 1}


def test_attempts_that_were_taken_back_do_not_use_up_the_day(states: States) -> None:
    states.company(max_attempts_per_day=1)
    here, there = states.task(MOSCOW), states.task(MOSCOW, AUTUMN)
    states.call(there, NOW - HOUR, "ended", AUTUMN, counts=False, outcome="rate_limited")
    assert states.reasons(here) == [Reason.NOTHING]


def test_a_contact_put_off_by_a_rule_that_has_changed_since_still_waits(states: States) -> None:
    task = states.task(next_attempt_at=NOW + 3 * HOUR)
    (waits,) = states.why(task).hindrances
    assert (waits.reason, waits.until) == (Reason.PUT_OFF, NOW + 3 * HOUR)
    assert states.counts() == {Reason.PUT_OFF: 1}


def test_what_put_a_contact_off_is_not_told_twice(states: States) -> None:
    states.campaign(**NINE_TO_NINE)
    task = states.task(NEW_YORK, next_attempt_at=NOW + 2 * HOUR)
    assert states.reasons(task) == [Reason.PLACE_CLOSED]


def test_not_before_is_when_every_wait_is_over_and_both_places_are_open(states: States) -> None:
    states.campaign(**NINE_TO_NINE)
    task = states.task(
        NEW_YORK, status="retry", outcome="busy", attempt_count=1, next_attempt_at=NOW + 7 * HOUR
    )  # 22:00 in Moscow
    assert states.why(task).not_before == NOW + 26 * HOUR


def test_a_number_is_found_however_it_is_written(states: States) -> None:
    task = states.task("+79451234567")
    assert states.why(number="8 (945) 123-45-67").task.id == task


def test_an_unknown_contact_is_an_error_that_says_what_it_knows(states: States) -> None:
    elsewhere = states.task(MOSCOW, AUTUMN)
    states.forbid(VLADIVOSTOK)
    with pytest.raises(CampaignValidationError, match="Spring has no task"):
        states.why(elsewhere)
    with pytest.raises(CampaignValidationError, match=r"Spring has no contact with the number \+74951230013$"):
        states.why(number=MOSCOW)
    with pytest.raises(CampaignValidationError, match="do-not-call"):
        states.why(number=VLADIVOSTOK)
    with pytest.raises(CampaignValidationError, match="Not a phone number"):
        states.why(number="nobody")
