"""What becomes of a task after an attempt (product.md, "A task's life")."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.campaign.retry import RATE_LIMITED_PAUSE, Retry, TaskStatus, Verdict
from actors.campaign.settings import RetrySettings
from actors.outcomes import Outcome

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
NO_JITTER = 0.5


def verdict(outcome: Outcome, attempts: int = 1, chance: float = NO_JITTER, **settings: Any) -> Verdict:
    return Retry(RetrySettings(**settings)).verdict(outcome, attempts, NOW, chance)


def delay_minutes(verdict: Verdict) -> float:
    assert verdict.status is TaskStatus.RETRY
    assert verdict.next_attempt_at is not None
    return (verdict.next_attempt_at - NOW) / timedelta(minutes=1)


def test_an_answered_call_completes_its_task() -> None:
    assert verdict(Outcome.ANSWERED) == Verdict(TaskStatus.COMPLETED)


def test_max_retries_counts_attempts() -> None:
    assert verdict(Outcome.NO_ANSWER, 1, max_retries=2).status is TaskStatus.RETRY
    assert verdict(Outcome.NO_ANSWER, 2, max_retries=2) == Verdict(TaskStatus.FAILED)


def test_a_tasks_own_number_of_attempts_comes_first() -> None:
    retry = Retry(RetrySettings(max_retries=5))
    assert retry.verdict(Outcome.NO_ANSWER, 1, NOW, NO_JITTER, max_attempts=1).status is TaskStatus.FAILED


def test_the_delay_doubles_up_to_its_cap() -> None:
    settings = {"max_retries": 10, "retry_delay_minutes": 30, "max_delay_minutes": 100}
    delays = [delay_minutes(verdict(Outcome.NO_ANSWER, attempts, **settings)) for attempts in (1, 2, 3, 4)]
    assert delays == [30, 60, 100, 100]


def test_a_fixed_delay_stays() -> None:
    settings = {"max_retries": 10, "retry_delay_minutes": 0.5, "backoff": "fixed"}
    assert {delay_minutes(verdict(Outcome.NO_ANSWER, attempts, **settings)) for attempts in (1, 2, 5)} == {0.5}


@given(chance=st.floats(0, 1, exclude_max=True), jitter=st.floats(0, 0.99))
def test_jitter_stays_within_its_share(chance: float, jitter: float) -> None:
    delay = delay_minutes(verdict(Outcome.NO_ANSWER, chance=chance, jitter=jitter))
    assert 30 * (1 - jitter) - 1e-6 <= delay <= 30 * (1 + jitter) + 1e-6


@given(attempts=st.integers(1, 100_000), chance=st.floats(0, 1, exclude_max=True))
def test_no_delay_is_longer_than_the_cap(attempts: int, chance: float) -> None:
    settings = {"max_retries": 1_000_000, "max_delay_minutes": 90}
    assert delay_minutes(verdict(Outcome.NO_ANSWER, attempts, chance, **settings)) <= 90


def test_an_outcome_can_have_its_own_rule() -> None:
    settings: dict[str, Any] = {"outcomes": {"busy": 5, "rejected": "never"}}
    assert delay_minutes(verdict(Outcome.BUSY, 2, **settings)) == 5
    assert verdict(Outcome.REJECTED, **settings) == Verdict(TaskStatus.FAILED)
    assert delay_minutes(verdict(Outcome.NO_ANSWER, **settings)) == 30


def test_a_wrong_number_is_never_called_again() -> None:
    assert verdict(Outcome.INVALID_NUMBER) == Verdict(TaskStatus.FAILED)


def test_nobody_is_given_up_by_the_word_of_a_service_that_is_known_to_fail() -> None:
    retry = Retry(RetrySettings(max_retries=1, outcomes={Outcome.TRUNK_FAILED: "never"}))
    for outcome in (Outcome.INVALID_NUMBER, Outcome.TRUNK_FAILED):
        again = retry.verdict(outcome, 1, NOW, NO_JITTER, outage=True)
        assert (delay_minutes(again), again.attempt_counts) == (30, False)
        assert retry.verdict(outcome, 1, NOW, NO_JITTER) == Verdict(TaskStatus.FAILED)


def test_a_busy_number_is_called_soon() -> None:
    assert delay_minutes(verdict(Outcome.BUSY)) == 5
    assert delay_minutes(verdict(Outcome.BUSY, retry_delay_minutes=1)) == 1


def test_a_voicemail_is_tried_again_unless_a_message_will_do() -> None:
    assert verdict(Outcome.VOICEMAIL).status is TaskStatus.RETRY
    assert verdict(Outcome.VOICEMAIL, outcomes={"voicemail": "never"}) == Verdict(TaskStatus.COMPLETED)


def test_being_refused_for_our_pace_costs_no_attempt() -> None:
    assert verdict(Outcome.RATE_LIMITED, 3) == Verdict(TaskStatus.RETRY, NOW + RATE_LIMITED_PAUSE, attempt_counts=False)


@pytest.mark.parametrize("outcome", list(Outcome))
@given(attempts=st.integers(1, 5))
def test_every_outcome_has_a_verdict_and_attempts_never_exceed_max_retries(outcome: Outcome, attempts: int) -> None:
    result = verdict(outcome, attempts)
    if result.status is TaskStatus.RETRY:
        assert attempts < 3 or not result.attempt_counts
        assert result.next_attempt_at is not None
    else:
        assert result.next_attempt_at is None
