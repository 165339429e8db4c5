"""Calls that are made ready before there is a slot for them: how many, who begins, and who is given back."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from actors.campaign.ahead import LONGEST_WAIT, OF_LATE, Ahead
from tests.world import TUESDAY

FIRST, SECOND, THIRD = (UUID(int=number) for number in (1, 2, 3))


def after(ends: int, *, seconds: float = 0) -> Ahead:
    """So many calls ended so long ago."""
    ahead = Ahead()
    for _ in range(ends):
        ahead.ended(TUESDAY - timedelta(seconds=seconds))
    return ahead


@pytest.mark.parametrize(("ends_in_3_s", "slots", "wanted"), [(45, 100, 6), (300, 100, 10), (3, 100, 0), (75, 9, 0)])
def test_so_many_are_made_ready_as_soon_will_have_a_slot(ends_in_3_s: int, slots: int, wanted: int) -> None:
    """15 ends a second; more than a tenth of the slots; long talks; few slots."""
    assert after(ends_in_3_s).wanted(slots, TUESDAY) == wanted


def test_ends_of_long_ago_say_nothing() -> None:
    assert after(75, seconds=OF_LATE.total_seconds() + 1).wanted(100, TUESDAY) == 0


def test_those_that_wait_are_among_those_wanted() -> None:
    ahead = after(45)
    ahead.place(FIRST)
    assert (ahead.wanted(100, TUESDAY), ahead.waiting) == (5, 1)


def test_others_are_made_ready_when_a_third_is_missing() -> None:
    ahead = after(45)
    calls = [UUID(int=number) for number in range(6)]
    for call in calls:
        ahead.place(call)
    assert ahead.wanted(100, TUESDAY) == 0
    ahead.over(calls[0])
    assert ahead.wanted(100, TUESDAY) == 0
    ahead.over(calls[1])
    assert ahead.wanted(100, TUESDAY) == 2


def test_who_is_ready_first_begins_first_and_nobody_who_is_not() -> None:
    ahead = Ahead()
    for call in (FIRST, SECOND, THIRD):
        ahead.place(call)
    assert ahead.give(3) == []
    assert ahead.ready(SECOND, TUESDAY) and ahead.ready(THIRD, TUESDAY)
    assert ahead.give(0) == []
    assert ahead.give(1) == [SECOND]
    assert ahead.give(3) == [THIRD]
    assert ahead.waiting == 1


def test_one_that_asks_again_has_its_slot_already_and_gets_no_other() -> None:
    ahead = Ahead()
    ahead.place(FIRST)
    ahead.ready(FIRST, TUESDAY)
    assert ahead.give(1) == [FIRST]
    assert ahead.ready(FIRST, TUESDAY), "it is known"
    assert ahead.give(1) == []


def test_one_that_is_not_known_is_said_to_be_so() -> None:
    ahead = Ahead()
    assert not ahead.ready(FIRST, TUESDAY)
    ahead.place(FIRST)
    ahead.over(FIRST)
    assert not ahead.ready(FIRST, TUESDAY)


def test_nobody_waits_for_longer_than_an_agent_should() -> None:
    ahead = Ahead()
    ahead.place(FIRST)
    assert ahead.next_return() is None
    ahead.ready(FIRST, TUESDAY)
    ahead.ready(FIRST, TUESDAY + LONGEST_WAIT)  # said again
    assert ahead.next_return() == TUESDAY + LONGEST_WAIT
    assert ahead.send_back(TUESDAY + LONGEST_WAIT / 2, everybody=False) == []
    assert ahead.send_back(TUESDAY + LONGEST_WAIT, everybody=False) == [FIRST]
    assert ahead.give(1) == []


def test_where_nobody_is_to_be_called_all_go_back_as_soon_as_they_are_ready() -> None:
    ahead = Ahead()
    for call in (FIRST, SECOND):
        ahead.place(call)
    ahead.ready(SECOND, TUESDAY)
    assert ahead.send_back(TUESDAY, everybody=True) == [SECOND]
    ahead.ready(FIRST, TUESDAY)
    assert ahead.send_back(TUESDAY, everybody=True) == [FIRST]
