"""In no window of 60 s more calls begin than allowed, and never more are in progress (product.md, "Limits")."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.limiter import MINUTE, SECOND, UNLIMITED, CallLimits, Limiter

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
    assert limiter.room(at(60)) == 0
    assert limiter.next_room(at(1)) == at(60) + timedelta(microseconds=1)
    assert limiter.room(at(60.000001)) == 1


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


EVENTS = st.lists(
    st.tuples(st.sampled_from(["admit", "begin", "end", "withdraw", "wait", "restart"]), st.integers(0, 20_000)),
    max_size=120,
)


@settings(max_examples=300, deadline=None)
@given(events=EVENTS, concurrent=st.integers(1, 5), per_minute=st.integers(1, 8), per_second=st.integers(1, 3))
def test_law_no_window_and_no_moment_ever_holds_more_than_allowed(
    events: list[tuple[str, int]], concurrent: int, per_minute: int, per_second: int
) -> None:
    limits = CallLimits(concurrent, per_minute, per_second)
    limiter = Limiter(limits)
    now, number = NOW, 0
    begun: list[datetime] = []
    admitted: dict[int, datetime | None] = {}
    for event, value in events:
        waiting = [one for one, began in admitted.items() if began is None]
        if event == "wait":
            now += timedelta(milliseconds=value)
        elif event == "admit" and limiter.room(now) > 0:
            number += 1
            limiter.admit(call(number))
            admitted[number] = None
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
            ended = [instant for instant in begun if instant >= now - MINUTE and instant not in admitted.values()]
            still = [instant for instant in begun if instant in admitted.values()]
            ended += still[: max(0, len(still) - sum(began is not None for began in admitted.values()))]
            limiter = Limiter(limits)
            limiter.restore([(call(one), began) for one, began in admitted.items()], ended)
        assert len(admitted) <= concurrent
    for first in begun:
        assert sum(first <= instant <= first + MINUTE for instant in begun) <= per_minute
        assert sum(first <= instant <= first + SECOND for instant in begun) <= per_second


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
