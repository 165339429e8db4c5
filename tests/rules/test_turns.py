"""Campaigns that share a trunk get permits in fair turns (product.md, "Limits")."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from actors.trunk.turns import Turns

BIG, SMALL, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)


def test_a_big_campaign_does_not_starve_a_small_one() -> None:
    turns = Turns()
    turns.want(BIG, 1000)
    turns.want(SMALL, 2)
    assert turns.take(4) == {BIG: 2, SMALL: 2}
    assert turns.take(4) == {BIG: 4}


def test_single_permits_go_round() -> None:
    turns = Turns()
    for campaign in (BIG, SMALL, THIRD):
        turns.want(campaign, 10)
    assert [next(iter(turns.take(1))) for _ in range(6)] == [BIG, SMALL, THIRD, BIG, SMALL, THIRD]


def test_who_wants_nothing_any_more_gets_nothing() -> None:
    turns = Turns()
    turns.want(BIG, 5)
    turns.want(BIG, 0)
    assert not turns.anyone()
    assert turns.take(3) == {}


@given(wants=st.dictionaries(st.uuids(), st.integers(1, 50), max_size=12), permits=st.integers(0, 200))
def test_law_all_permits_are_given_while_anyone_wants_and_no_one_is_a_permit_ahead(
    wants: dict[UUID, int], permits: int
) -> None:
    turns = Turns()
    for campaign, count in wants.items():
        turns.want(campaign, count)
    shares = turns.take(permits)
    assert sum(shares.values()) == min(permits, sum(wants.values()))
    unsatisfied = [shares.get(campaign, 0) for campaign in wants if shares.get(campaign, 0) < wants[campaign]]
    if unsatisfied:
        assert max(shares.values(), default=0) <= min(unsatisfied) + 1
