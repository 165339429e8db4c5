"""A campaign slows down before too many of those who answer find nobody on the line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.campaign.abandonment import WINDOW, Abandonment

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


def after(abandoned: int, answered: int, rate: float = 0.03) -> Abandonment:
    """A campaign of whose answered calls, one a second before noon, so many were abandoned."""
    rows = [(NOON - timedelta(seconds=number), number >= abandoned) for number in range(answered)]
    return Abandonment(rate, rows)


def test_without_an_abandoned_call_it_dials_at_full_speed() -> None:
    for answered in (0, 1, 5000):
        assert after(0, answered).most_calls(50, NOON) == 50


def test_one_abandoned_call_does_not_stop_a_campaign_that_has_just_begun() -> None:
    assert after(1, 1).share(NOON) == 0.01
    assert after(1, 1).most_calls(50, NOON) == 50


@pytest.mark.parametrize(("abandoned", "calls"), [(0, 40), (15, 40), (18, 32), (24, 16), (30, 1), (31, 1), (1000, 1)])
def test_it_slows_down_from_half_of_the_limit_to_one_call_at_the_limit(abandoned: int, calls: int) -> None:
    assert after(abandoned, 1000).most_calls(40, NOON) == pytest.approx(calls, abs=1)


def test_a_campaign_with_one_call_at_a_time_is_never_stopped() -> None:
    assert after(1000, 1000).most_calls(1, NOON) == 1


def test_it_is_slowed_down_only_where_it_may_have_fewer_calls_than_else() -> None:
    for most in (1, 2, 50, None):
        assert after(15, 1000).slowed_to(most, NOON) is None
    assert [after(22, 1000).slowed_to(most, NOON) for most in (1, 2, 50, None)] == [None, 1, 26, None]
    assert [after(30, 1000).slowed_to(most, NOON) for most in (1, 2, 50, None)] == [None, 1, 1, 1]


def test_what_happened_a_day_ago_is_forgotten() -> None:
    campaign = after(100, 100)
    assert campaign.most_calls(50, NOON) == 1
    assert campaign.most_calls(50, NOON + WINDOW) == 50


def test_a_good_morning_does_not_hide_agents_that_fail_now() -> None:
    morning = NOON - timedelta(hours=3)
    campaign = Abandonment(0.03, [(morning + timedelta(seconds=number), True) for number in range(5000)])
    for number in range(30):
        campaign.note(NOON + timedelta(seconds=number), False)
    assert campaign.most_calls(50, NOON + timedelta(minutes=1)) == 1


def test_a_limit_of_everybody_slows_down_too() -> None:
    assert after(500, 1000, rate=1).most_calls(10, NOON) == 10
    assert after(1000, 1000, rate=1).most_calls(10, NOON) == 1


calls = st.lists(st.tuples(st.integers(0, 2 * 86_400), st.booleans()), max_size=300)


@given(calls, st.floats(0.001, 1), st.integers(1, 500))
def test_it_allows_at_least_one_call_and_never_more_than_the_campaign(
    seen: list[tuple[int, bool]], rate: float, most: int
) -> None:
    campaign = Abandonment(rate, [(NOON - timedelta(seconds=ago), joined) for ago, joined in seen])
    assert 1 <= campaign.most_calls(most, NOON) <= most
    assert 0 <= campaign.share(NOON) <= 1


@given(calls, st.floats(0.001, 1))
def test_one_more_abandoned_call_never_makes_it_faster(seen: list[tuple[int, bool]], rate: float) -> None:
    campaign = Abandonment(rate, [(NOON - timedelta(seconds=ago), joined) for ago, joined in seen])
    before = campaign.allowed(NOON)
    campaign.note(NOON, False)
    assert campaign.allowed(NOON) <= before


@given(calls, st.randoms())
def test_rebuilt_from_rows_in_any_order_it_says_the_same(seen: list[tuple[int, bool]], random: object) -> None:
    rows = [(NOON - timedelta(seconds=ago), joined) for ago, joined in seen]
    told = Abandonment(0.03)
    for row in sorted(rows):
        told.note(*row)
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert Abandonment(0.03, rows).share(NOON) == told.share(NOON)
