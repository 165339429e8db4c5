"""In no window of 60 s more calls begin than allowed, and never more are in progress (product.md, "Limits")."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.limiter import COUNTED_MINUTE, MINUTE, ON_ITS_WAY, SECOND, UNLIMITED, CallLimits, Limiter

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def call(number: int) -> UUID:
    return UUID(int=number)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def begin(limiter: Limiter, number: int, seconds: float) -> None:
    limiter.admit(call(number))
    limiter.began(call(number), at(seconds))


def test_what_is_not_given_does_not_limit() -> None:
    assert Limiter(CallLimits()).room(NOW) == UNLIMITED


def test_a_call_holds_its_slot_from_admission_to_its_end() -> None:
    limiter = Limiter(CallLimits(concurrent=2))
    limiter.admit(call(1))
    begin(limiter, 2, 0)
    assert limiter.room(NOW) == 0
    limiter.ended(call(1))
    assert limiter.room(NOW) == 1


def test_telling_the_same_twice_changes_nothing() -> None:
    limiter = Limiter(CallLimits(concurrent=2, per_minute=2))
    for _ in range(2):
        limiter.admit(call(1))
    for _ in range(2):
        limiter.began(call(1), NOW)
    assert limiter.room(NOW) == 1
    for _ in range(2):
        limiter.ended(call(1))
    assert limiter.room(NOW) == 1


def test_the_window_slides_and_holds_both_of_its_ends() -> None:
    limiter = Limiter(CallLimits(per_minute=1))
    begin(limiter, 1, 0)
    assert limiter.room(at(0) + COUNTED_MINUTE) == 0
    opens = at(0) + COUNTED_MINUTE + timedelta(microseconds=1)
    assert limiter.next_room(at(1)) == opens
    assert limiter.room(opens) == 1


def test_a_call_that_has_not_begun_counts_until_it_is_withdrawn() -> None:
    limiter = Limiter(CallLimits(per_minute=1))
    limiter.admit(call(1))
    assert limiter.room(at(3600)) == 0
    assert limiter.next_room(at(3600)) is None
    limiter.withdraw(call(1))
    assert limiter.room(at(3600)) == 1


def test_an_ended_call_still_counts_in_the_window() -> None:
    limiter = Limiter(CallLimits(per_minute=1))
    begin(limiter, 1, 0)
    limiter.ended(call(1))
    assert limiter.room(at(30)) == 0


def test_lower_limits_hold_at_once_and_higher_ones_too() -> None:
    limiter = Limiter(CallLimits(concurrent=5))
    for number in range(5):
        begin(limiter, number, 0)
    limiter.limits = CallLimits(concurrent=3)
    limiter.ended(call(0))
    assert limiter.room(NOW) == 0
    limiter.limits = CallLimits(concurrent=6)
    assert limiter.room(NOW) == 2


def test_a_restored_limiter_knows_what_the_last_one_knew() -> None:
    limiter = Limiter(CallLimits(concurrent=10, per_minute=4))
    limiter.restore([(call(1), at(-10)), (call(2), None)], begun=[at(-50)])
    assert limiter.in_progress == 2
    assert limiter.room(NOW) == 1
    assert limiter.room(at(15)) == 2  # the one of 50 s ago has left the window


def test_a_prepared_call_begins_only_when_it_is_released() -> None:
    limiter = Limiter(CallLimits(concurrent=3, per_second=1))
    begin(limiter, 1, 0)
    limiter.prepare(call(2))
    assert not limiter.release(call(2), at(0.5))
    assert limiter.next_release(at(0.5)) == at(1) + timedelta(microseconds=1)
    assert limiter.release(call(2), at(1.1))
    assert limiter.release(call(2), at(1.1))  # said twice
    limiter.prepare(call(3))
    assert not limiter.release(call(3), at(60))  # the second one may begin at any moment
    assert limiter.in_progress == 3


def test_a_prepared_call_begins_only_when_fewer_are_in_progress_than_may_be() -> None:
    """They have come from elsewhere since it was prepared, or the limit was lowered."""
    limiter = Limiter(CallLimits(concurrent=2))
    limiter.prepare(call(1))
    for number in (2, 3):
        begin(limiter, number, 0)
    assert not limiter.release(call(1), at(60))
    assert limiter.must_wait_for_an_end(call(1)) and not limiter.must_wait_for_an_end(call(2))
    assert limiter.next_release(at(60)) is None
    limiter.ended(call(2))
    assert not limiter.must_wait_for_an_end(call(1))
    assert limiter.release(call(1), at(60)) and limiter.release(call(1), at(60))


def test_the_next_call_is_prepared_while_the_window_is_still_full() -> None:
    limiter = Limiter(CallLimits(per_second=1))
    begin(limiter, 1, 0)
    ahead = timedelta(seconds=0.25)
    assert limiter.room(at(0.7), ahead) == 0
    assert limiter.next_room(at(0.7), ahead) == at(0.75) + timedelta(microseconds=1)
    assert limiter.room(at(0.751), ahead) == 1
    limiter.prepare(call(2))
    assert limiter.room(at(0.751), ahead) == 0  # one at a time


@pytest.mark.parametrize(
    ("limits", "minutes"),
    [
        (CallLimits(per_second=10), 1),
        (CallLimits(per_second=10, per_minute=300), 3),
        (CallLimits(concurrent=50, per_minute=600), 3),
        (CallLimits(concurrent=20), 2),
    ],
)
def test_with_a_backlog_at_least_98_percent_of_what_the_limits_allow_is_used(limits: CallLimits, minutes: int) -> None:
    """As a trunk works: permits ahead of time, 20 to 200 ms until the room is there, 2 ms from the go to the dial."""
    random, limiter = Random(7), Limiter(limits)
    ahead, step = timedelta(seconds=0.25), timedelta(milliseconds=2)
    preparing: dict[UUID, datetime] = {}
    going: list[UUID] = []
    talking: dict[UUID, datetime] = {}
    begun: list[datetime] = []
    slot_time = timedelta(0)
    now, number = NOW, 0
    while now < NOW + timedelta(minutes=minutes):
        now += step
        for one in going:
            limiter.began(one, now)
            begun.append(now)
            talking[one] = now + timedelta(seconds=random.uniform(2, 6))
        going.clear()
        for one in [one for one, until in talking.items() if until <= now]:
            del talking[one]
            limiter.ended(one)
        for one in [one for one, ready in preparing.items() if ready <= now]:
            if limiter.release(one, now):
                del preparing[one]
                going.append(one)
        for _ in range(limiter.room(now, ahead)):
            number += 1
            limiter.prepare(call(number))
            preparing[call(number)] = now + timedelta(seconds=random.uniform(0.02, 0.2))
        slot_time += step * limiter.in_progress
    allowed = {minutes * 60 * limits.per_second if limits.per_second else None}
    allowed.add(minutes * limits.per_minute if limits.per_minute else None)
    most = min((one for one in allowed if one is not None), default=None)
    if most is not None:
        assert 0.98 * most <= len(begun) <= most
    else:
        assert limits.concurrent is not None
        assert slot_time >= 0.98 * limits.concurrent * timedelta(minutes=minutes)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["admit", "prepare", "release", "begin", "end", "withdraw", "wait", "restart", "reload"]),
        st.integers(0, 20_000),
    ),
    max_size=120,
)


@settings(max_examples=300, deadline=None)
@given(events=EVENTS, concurrent=st.integers(1, 5), per_minute=st.integers(1, 8), per_second=st.integers(1, 3))
def test_law_no_window_and_no_moment_ever_holds_more_than_allowed(
    events: list[tuple[str, int]], concurrent: int, per_minute: int, per_second: int
) -> None:
    limits = most = CallLimits(concurrent, per_minute, per_second)
    limiter = Limiter(limits)
    now, number = NOW, 0
    begun: list[datetime] = []
    admitted: dict[int, datetime | None] = {}
    prepared: set[int] = set()
    for event, value in events:
        before = len(admitted)
        waiting = [one for one, began in admitted.items() if began is None and one not in prepared]
        if event == "wait":
            now += timedelta(milliseconds=value)
        elif event == "admit" and limiter.room(now) > 0:
            number += 1
            limiter.admit(call(number))
            admitted[number] = None
        elif event == "prepare" and limiter.room(now, timedelta(milliseconds=value)) > 0:
            number += 1
            limiter.prepare(call(number))
            admitted[number] = None
            prepared.add(number)
        elif event == "release" and prepared:
            one = sorted(prepared)[value % len(prepared)]
            if limiter.release(call(one), now):
                prepared.discard(one)
        elif event == "begin" and waiting:
            one = waiting[value % len(waiting)]
            limiter.began(call(one), now)
            admitted[one] = now
            begun.append(now)
        elif event == "withdraw" and waiting:
            one = waiting[value % len(waiting)]
            limiter.withdraw(call(one))
            del admitted[one]
        elif event == "end" and admitted:
            one = list(admitted)[value % len(admitted)]
            if admitted[one] is not None:
                limiter.ended(call(one))
                del admitted[one]
        elif event == "restart":
            ended = [
                instant for instant in begun if instant >= now - COUNTED_MINUTE and instant not in admitted.values()
            ]
            still = [instant for instant in begun if instant in admitted.values()]
            ended += still[: max(0, len(still) - sum(began is not None for began in admitted.values()))]
            limiter = Limiter(limits)
            limiter.restore([(call(one), began) for one, began in admitted.items() if one not in prepared], ended)
            for one in prepared:
                limiter.prepare(call(one))
        elif event == "reload":  # within the limits that are checked below
            lower = CallLimits(1 + value % concurrent, 1 + value % per_minute, 1 + value % per_second)
            limits = lower if limits == most else most
            limiter.limits = limits
        if event in ("admit", "prepare"):
            assert len(admitted) <= max(limits.concurrent or 0, before)
        assert len(admitted) <= concurrent
    for first in begun:
        assert sum(first <= instant <= first + MINUTE for instant in begun) <= per_minute
        assert sum(first <= instant <= first + SECOND for instant in begun) <= per_second


@settings(max_examples=200, deadline=None)
@given(
    waits=st.lists(st.tuples(st.integers(0, 20_000), st.floats(0, 1)), min_size=2, max_size=60),
    per_minute=st.integers(1, 8),
)
def test_law_whoever_sees_calls_a_little_later_than_they_begin_sees_no_more_in_a_minute(
    waits: list[tuple[int, float]], per_minute: int
) -> None:
    limiter, now, seen = Limiter(CallLimits(per_minute=per_minute)), NOW, []
    for number, (wait, late) in enumerate(waits):
        now = limiter.next_room(now) or now + timedelta(milliseconds=wait)
        if limiter.room(now):
            limiter.admit(call(number))
            limiter.began(call(number), now)
            seen.append(now + ON_ITS_WAY * late)
    for first in seen:
        assert sum(first <= instant <= first + MINUTE for instant in seen) <= per_minute


@settings(max_examples=200, deadline=None)
@given(gaps=st.lists(st.integers(0, 30_000), min_size=1, max_size=30), per_minute=st.integers(1, 5))
def test_law_next_room_is_the_first_moment_with_room(gaps: list[int], per_minute: int) -> None:
    limiter = Limiter(CallLimits(per_minute=per_minute))
    now = NOW
    for number, gap in enumerate(gaps):
        now += timedelta(milliseconds=gap)
        if limiter.room(now):
            limiter.admit(call(number))
            limiter.began(call(number), now)
    opens = limiter.next_room(now)
    if opens is not None:
        assert limiter.room(opens - timedelta(microseconds=1)) == 0
        assert limiter.room(opens) >= 1
