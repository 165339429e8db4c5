"""A failing service is left alone soon, and tried again with care (facts/operations.md, "Circuit breakers")."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.breakers.breaker import Breaker, BreakerLimits, Permit, Result, State

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
LIMITS = BreakerLimits(
    failure_rate=0.5,
    minimum_calls=5,
    window=timedelta(seconds=30),
    open_for=timedelta(seconds=30),
    max_open_for=timedelta(seconds=100),
    probe_within=timedelta(seconds=20),
)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def call(number: int) -> UUID:
    return UUID(int=number)


def see(breaker: Breaker, number: int, ok: bool, seconds: float, asked: float | None = None) -> bool:
    """A call that was asked and judged at once, unless said otherwise."""
    return breaker.record(call(number), ok, at(seconds if asked is None else asked), at(seconds), at(seconds))


def opened(limits: BreakerLimits = LIMITS) -> Breaker:
    """One that has opened at noon."""
    breaker = Breaker(limits)
    for number in range(limits.minimum_calls):
        see(breaker, number, False, 0)
    assert breaker.state is State.OPEN
    return breaker


def probed(breaker: Breaker, seconds: float) -> Permit:
    permit = breaker.acquire(at(seconds))
    assert permit is not None
    return permit


def test_it_opens_at_the_failure_rate_once_there_are_enough_calls() -> None:
    breaker = Breaker(LIMITS)
    for number, ok in enumerate([True, False, True, False]):
        assert not see(breaker, number, ok, number)
    assert see(breaker, 4, False, 4)
    assert (breaker.state, breaker.retry_at) == (State.OPEN, at(34))


def test_failures_without_exception_open_it_however_well_the_service_did_before() -> None:
    """Else a busy service's successes would let an outage cost as many calls more."""
    breaker = Breaker(LIMITS)
    for number in range(1000):
        see(breaker, number, True, number / 100)
    for number in range(4):
        assert not see(breaker, 1000 + number, False, 11)
    assert see(breaker, 1004, False, 11)


def test_calls_that_left_the_window_say_nothing_of_the_rate() -> None:
    breaker = Breaker(LIMITS)
    for number, ok in enumerate([False, False, True, False]):
        see(breaker, number, ok, 0)
    assert not see(breaker, 4, False, 30)
    assert breaker.state is State.CLOSED


def test_failures_without_exception_open_it_however_far_apart_they_are() -> None:
    """Else a campaign that dials slowly would call its whole list into an outage."""
    breaker = Breaker(LIMITS)
    for number in range(4):
        assert not see(breaker, number, False, number * 900)
    assert see(breaker, 4, False, 3600)
    assert (breaker.state, breaker.retry_at) == (State.OPEN, at(3630))


def test_one_success_among_failures_that_are_far_apart_keeps_it_closed() -> None:
    breaker = Breaker(LIMITS)
    for number in range(9):
        assert not see(breaker, number, number == 4, number * 60)


def test_a_success_that_is_told_late_stands_between_failures_that_were_told_before() -> None:
    breaker = Breaker(LIMITS)
    for number in range(4):
        see(breaker, number, False, number * 60)
    assert not breaker.record(call(9), True, at(80), at(90), at(200))
    for number in range(4, 6):
        assert not see(breaker, number, False, number * 60)
    assert see(breaker, 6, False, 360)  # the fifth since


def test_a_failure_from_before_a_success_does_not_count_after_it_however_late_it_is_told() -> None:
    breaker = Breaker(LIMITS)
    see(breaker, 0, True, 60)
    for number in range(1, 5):
        see(breaker, number, False, number * 100)
    assert not breaker.record(call(9), False, at(0), at(50), at(410))


def test_what_was_seen_earlier_and_told_later_counts_at_its_time() -> None:
    breaker = Breaker(LIMITS)
    for number in range(4):
        see(breaker, number, False, 20)
    # A conversation that was answered at 10 s and ends now: it does not show that the service works now.
    assert not breaker.record(call(9), True, at(0), at(10), at(25))
    assert see(breaker, 5, False, 25)


def test_a_call_told_twice_counts_once() -> None:
    breaker = Breaker(LIMITS)
    for _ in range(20):
        see(breaker, 1, False, 0)
    assert breaker.state is State.CLOSED


def test_open_it_permits_nothing_until_its_time_and_then_one_probe() -> None:
    breaker = opened()
    assert breaker.acquire(at(29.9)) is None
    permit = probed(breaker, 30)
    assert permit == Permit(breaker.generation, at(50))
    assert breaker.state is State.HALF_OPEN
    assert breaker.acquire(at(31)) is None


def test_a_good_probe_closes_it_and_the_next_outage_begins_with_the_shortest_time() -> None:
    breaker = opened()
    breaker.answer(probed(breaker, 30).generation, Result.FAILED, at(31))
    breaker.answer(probed(breaker, 91).generation, Result.OK, at(92))
    assert breaker.state is State.CLOSED
    for number in range(5):
        see(breaker, 100 + number, False, 100)
    assert breaker.retry_at == at(130)


def test_failed_probes_double_the_open_time_up_to_its_limit() -> None:
    breaker = opened()
    now, waits = 0.0, []
    for _ in range(4):
        assert breaker.retry_at is not None
        waits.append((breaker.retry_at - at(now)).total_seconds())
        now += waits[-1]
        breaker.answer(probed(breaker, now).generation, Result.FAILED, at(now))
    assert waits == [30, 60, 100, 100]


def test_a_lost_probe_has_failed() -> None:
    breaker = opened()
    probed(breaker, 30)
    assert not breaker.expire(at(49.9))
    assert breaker.expire(at(50))
    assert (breaker.state, breaker.retry_at) == (State.OPEN, at(110))


def test_a_probe_that_says_nothing_is_made_again_after_the_shortest_time() -> None:
    breaker = opened()
    breaker.answer(probed(breaker, 30).generation, Result.FAILED, at(30))
    breaker.answer(probed(breaker, 90).generation, Result.NOTHING, at(91))
    assert (breaker.state, breaker.retry_at) == (State.OPEN, at(121))
    breaker.answer(probed(breaker, 121).generation, Result.FAILED, at(121))
    assert breaker.retry_at == at(221)  # and nothing was forgotten


def test_the_answer_to_an_older_probe_changes_nothing() -> None:
    breaker = opened()
    first = probed(breaker, 30)
    breaker.expire(at(50))
    second = probed(breaker, 110)
    before = breaker.snapshot()
    for result in Result:
        assert not breaker.answer(first.generation, result, at(111))
    assert breaker.snapshot() == before
    assert breaker.answer(second.generation, Result.OK, at(111))


def test_a_call_begun_before_it_opened_neither_closes_nor_opens_it() -> None:
    breaker = opened()
    probed(breaker, 30)
    assert not see(breaker, 50, True, 31, asked=-5)
    assert breaker.state is State.HALF_OPEN
    breaker.answer(breaker.generation, Result.OK, at(32))
    for number in range(10):
        assert not see(breaker, 60 + number, False, 33, asked=31)
    assert breaker.state is State.CLOSED


def test_the_call_that_was_let_begin_as_a_probe_is_its_answer() -> None:
    breaker = opened()
    probed(breaker, 30)
    assert see(breaker, 50, True, 35, asked=31)
    assert breaker.state is State.CLOSED


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 20)), max_size=4))
def test_it_never_opens_below_the_minimum_of_calls(seen: list[tuple[bool, float]]) -> None:
    breaker = Breaker(LIMITS)
    for number, (ok, seconds) in enumerate(sorted(seen, key=lambda one: one[1])):
        assert not see(breaker, number, ok, seconds)


class Laws(RuleBasedStateMachine):
    """Whatever happens in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(LIMITS)
        self.seconds = 0.0
        self.numbers = 0
        self.permits: list[Permit] = []
        self.state: tuple[int, State] = (0, State.CLOSED)

    @property
    def now(self) -> datetime:
        return at(self.seconds)

    @rule(seconds=st.sampled_from([0, 0.5, 5, 19.99, 20, 30, 100]))
    def time_passes(self, seconds: float) -> None:
        self.seconds += seconds
        self.breaker.expire(self.now)

    @rule(ok=st.booleans(), ago=st.floats(0, 40), lasted=st.floats(0, 40))
    def a_call_is_judged(self, ok: bool, ago: float, lasted: float) -> None:
        self.numbers += 1
        seen_at = self.now - timedelta(seconds=ago)
        self.breaker.record(call(self.numbers), ok, seen_at - timedelta(seconds=lasted), seen_at, self.now)

    @rule(count=st.integers(1, 6))
    def calls_fail(self, count: int) -> None:
        for _ in range(count):
            self.numbers += 1
            self.breaker.record(call(self.numbers), False, self.now, self.now, self.now)

    @rule()
    def a_permit_is_asked_for(self) -> None:
        before = self.breaker.snapshot()
        permit = self.breaker.acquire(self.now)
        if permit is None:
            return
        assert before.state is not State.CLOSED
        if before.state is State.OPEN:
            assert before.retry_at is not None and self.now >= before.retry_at
        assert all(permit.generation > older.generation for older in self.permits)
        assert self.breaker.acquire(self.now) is None, "two probes at once"
        self.permits.append(permit)

    @precondition(lambda self: self.permits)
    @rule(data=st.data(), result=st.sampled_from(Result))
    def a_probe_is_answered(self, data: st.DataObject, result: Result) -> None:
        permit = data.draw(st.sampled_from(self.permits))
        self.breaker.expire(self.now)
        before = self.breaker.snapshot()
        changed = self.breaker.answer(permit.generation, result, self.now)
        assert changed == (before.state is State.HALF_OPEN and permit.generation == before.generation)
        assert changed or self.breaker.snapshot() == before

    @rule(ok=st.booleans())
    def the_process_is_started_again(self, ok: bool) -> None:
        """Both go on, and decide the same: after as many failures as open it, whatever was seen before them."""
        other = Breaker.restore(LIMITS, self.breaker.snapshot())
        assert other.snapshot() == self.breaker.snapshot()
        for one in (self.breaker, other):
            for number in range(LIMITS.minimum_calls):
                one.record(call(10**6 + self.numbers + number), False, self.now, self.now, self.now)
            one.record(call(10**7 + self.numbers), ok, self.now, self.now, self.now)
            one.acquire(self.now)
        self.numbers += LIMITS.minimum_calls
        assert other.state is self.breaker.state
        assert other.snapshot() == self.breaker.snapshot()
        if self.breaker.state is State.HALF_OPEN:
            self.permits.append(Permit(self.breaker.generation, self.now))
        self.breaker = other

    @invariant()
    def it_stays_open_until_its_time_and_never_longer_than_allowed(self) -> None:
        now = self.breaker.snapshot()
        assert LIMITS.open_for <= now.open_for <= LIMITS.max_open_for
        if now.state is State.OPEN:
            assert now.changed_at is not None and now.retry_at is not None
            assert LIMITS.open_for <= now.retry_at - now.changed_at <= LIMITS.max_open_for
        assert (now.state is State.OPEN) == (now.retry_at is not None)
        assert (now.state is State.CLOSED) == (now.opened_at is None)

    @invariant()
    def each_state_has_its_generation(self) -> None:
        generation, state = self.state
        assert self.breaker.generation >= generation
        assert self.breaker.generation > generation or self.breaker.state is state
        self.state = self.breaker.generation, self.breaker.state


TestLaws = Laws.TestCase


def test_a_service_with_one_call_at_a_time_opens_at_its_first_failure_if_asked_to() -> None:
    breaker = Breaker(replace(LIMITS, minimum_calls=1))
    assert see(breaker, 1, False, 0)
