"""A trunk is dialed as fast as its carrier takes it, and its refusals are what teaches that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.limiter import CallLimits
from actors.trunk.ledger import read_pace, write_pace
from actors.trunk.pace import FORGET_AFTER, NOTHING, QUIET, Learned, Pace, PaceLearned

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
UNLIMITED = CallLimits()


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def begun(per_second: int, until: float = 0) -> list[datetime]:
    """Calls that began in the second before `until`, evenly."""
    return [at(until - number / per_second) for number in range(per_second)]


def test_without_a_refusal_the_configured_limits_hold() -> None:
    for configured in (UNLIMITED, CallLimits(concurrent=5, per_minute=60, per_second=2)):
        pace = Pace(configured)
        assert pace.limits(NOON) == configured
        assert pace.next_change(NOON) is None


def test_a_refused_rate_slows_down_and_leaves_the_calls_at_once_alone() -> None:
    pace = Pace(CallLimits(concurrent=100, per_minute=600, per_second=10))
    pace.too_fast(begun(10), NOON)
    assert pace.limits(NOON) == CallLimits(concurrent=100, per_minute=420, per_second=7)


def test_refused_calls_at_once_leave_the_rate_alone() -> None:
    pace = Pace(CallLimits(per_minute=600))
    pace.too_many(20, NOON)
    assert pace.limits(NOON) == CallLimits(concurrent=14, per_minute=600)


def test_without_a_configured_limit_it_starts_from_what_was_in_use() -> None:
    pace = Pace(UNLIMITED)
    pace.too_fast(begun(20), NOON)
    assert pace.limits(NOON) == CallLimits(per_minute=840, per_second=14)


def test_a_burst_of_calls_is_not_taken_for_a_slow_trunk() -> None:
    """Ten calls in the first second of a campaign: its minute has ten calls, and yet the rate was 600 per minute."""
    pace = Pace(UNLIMITED)
    pace.too_fast(begun(10), at(1.5))
    assert pace.limits(at(1.5)).per_minute == 420


def test_a_burst_of_refusals_counts_once() -> None:
    pace = Pace(UNLIMITED)
    for tenth in range(20):
        pace.too_many(100, at(tenth / 10))
    assert pace.limits(at(2)).concurrent == 70
    pace.too_many(70, at(4))
    assert pace.limits(at(4)).concurrent == 49


def test_time_without_refusals_raises_it_step_by_step_to_what_is_configured() -> None:
    pace = Pace(CallLimits(concurrent=100))
    pace.too_many(100, NOON)
    seen = [pace.limits(NOON + QUIET * step).concurrent for step in range(5)]
    assert seen == [70, 80, 90, 100, 100]


def test_after_a_quiet_time_nothing_limits_that_is_not_configured() -> None:
    pace = Pace(UNLIMITED)
    pace.too_many(10, NOON)
    assert pace.limits(NOON + FORGET_AFTER - QUIET).concurrent is not None
    assert pace.limits(NOON + FORGET_AFTER) == UNLIMITED
    assert pace.next_change(NOON + FORGET_AFTER) is None


def test_a_trunk_that_takes_five_calls_is_found_out_without_stopping() -> None:
    """Refused at six, it soon keeps to about five, and tries six from time to time."""
    pace, refusals, dialed = Pace(UNLIMITED), 0, []
    for second in range(0, 1800, 5):
        wanted = min(pace.limits(at(second)).concurrent or 50, 50)
        if wanted > 5:
            refusals += 1
            pace.too_many(wanted, at(second))
        dialed.append(min(wanted, 5))
    assert refusals < 50
    assert sum(dialed) / len(dialed) > 4


limits = st.builds(
    CallLimits,
    concurrent=st.none() | st.integers(1, 200),
    per_minute=st.none() | st.integers(1, 2000),
    per_second=st.none() | st.integers(1, 50),
)
steps = st.lists(
    st.tuples(st.sampled_from(["fast", "many", "wait"]), st.integers(0, 100), st.floats(0, 600)), max_size=30
)


def lived(pace: Pace, story: list[tuple[str, int, float]]) -> Iterator[datetime]:
    seconds = 0.0
    for what, count, wait in story:
        seconds += wait
        if what == "fast":
            pace.too_fast(begun(count, seconds) if count else [], at(seconds))
        elif what == "many":
            pace.too_many(count, at(seconds))
        yield at(seconds)


def within(found: int | None, configured: int | None) -> bool:
    return (
        found is None
        if configured is None and found is None
        else found is not None and found >= 1 and (configured is None or found <= configured)
    )


@given(limits, steps)
def test_it_is_never_above_the_configured_limits_and_never_stops(
    configured: CallLimits, story: list[tuple[str, int, float]]
) -> None:
    pace = Pace(configured)
    for now in lived(pace, story):
        kept = pace.limits(now)
        assert within(kept.concurrent, configured.concurrent)
        assert within(kept.per_minute, configured.per_minute)
        assert within(kept.per_second, configured.per_second)


@given(limits, steps, st.floats(0, 1))
def test_limits_stay_until_the_instant_it_names(
    configured: CallLimits, story: list[tuple[str, int, float]], part: float
) -> None:
    pace = Pace(configured)
    for now in lived(pace, story):
        change = pace.next_change(now)
        if change is None:
            assert pace.limits(now) == pace.limits(now + FORGET_AFTER * 2) == configured
        else:
            assert change > now
            assert pace.limits(now + (change - now) * part * 0.999) == pace.limits(now)


@given(limits, steps, steps)
def test_one_that_was_restored_goes_on_the_same(
    configured: CallLimits, before: list[tuple[str, int, float]], after: list[tuple[str, int, float]]
) -> None:
    pace = Pace(configured)
    for _ in lived(pace, before):
        pass
    other = Pace(configured, pace.snapshot())
    for one, two in zip(lived(pace, after), lived(other, after), strict=True):
        assert pace.limits(one) == other.limits(two)


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as made:
        yield made


def test_what_was_learned_is_kept_and_of_two_processes_what_was_learned_last(connection: psycopg.Connection) -> None:
    assert read_pace(connection, "main") == NOTHING
    early, late = Learned(42.0, NOON), Learned(30.5, at(60))
    write_pace(connection, "main", PaceLearned(per_minute=late))
    write_pace(connection, "main", PaceLearned(per_minute=early, concurrent=early))
    assert read_pace(connection, "main") == PaceLearned(late, early)
    write_pace(connection, "main", NOTHING)
    assert read_pace(connection, "main") == PaceLearned(late, early)
