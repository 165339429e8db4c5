"""What a campaign asks of its trunk: enough for every slot, and nothing twice (product.md, "Limits")."""

from __future__ import annotations

from collections import deque
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from actors.campaign.wants import Change, Wants
from actors.trunk.turns import Turns

CAMPAIGN = UUID(int=1)


def test_a_trunk_is_told_what_is_wanted_and_then_only_what_has_changed() -> None:
    wants = Wants()
    assert wants.change(3, 1) == Change(3, 1, anew=True)
    assert wants.change(3, 1) is None
    assert wants.change(5, 0) == Change(2, -1, anew=False)
    assert wants.change(0, 0) == Change(-5, 0, anew=False)


def test_what_has_come_is_not_wanted_any_more() -> None:
    wants = Wants()
    wants.change(3, 2)
    wants.granted(2, ahead=False)
    wants.granted(2, ahead=True)
    assert wants.change(1, 0) is None
    assert wants.change(2, 0) == Change(1, 0, anew=False)


def test_more_than_was_wanted_leaves_nothing_owed() -> None:
    wants = Wants()
    wants.change(1, 0)
    wants.granted(4, ahead=False)
    assert wants.change(1, 0) == Change(1, 0, anew=False)


def test_where_the_trunk_may_have_forgotten_it_is_told_all_of_it_again() -> None:
    wants = Wants()
    wants.change(3, 0)
    wants.forget()
    assert wants.change(3, 0) == Change(3, 0, anew=True)
    wants.forget()
    assert wants.change(0, 0) == Change(0, 0, anew=True), "what it may still remember is wanted no more"


def test_who_wants_nothing_and_wanted_nothing_has_nothing_to_say() -> None:
    wants = Wants()
    assert wants.change(0, 0) is None
    assert wants.change(1, 0) == Change(1, 0, anew=True)


@given(st.lists(st.sampled_from(["a slot is freed", "the trunk reads", "the campaign reads"]), max_size=60))
def test_law_each_free_slot_gets_one_permit_however_their_messages_cross(steps: list[str]) -> None:
    wants, turns = Wants(), Turns()
    to_trunk: deque[Change] = deque()
    to_campaign: deque[int] = deque()
    freed = granted = free = 0

    def ask() -> None:
        if change := wants.change(free, 0):
            to_trunk.append(change)

    def the_trunk_reads() -> None:
        nonlocal granted
        change = to_trunk.popleft()
        (turns.want if change.anew else turns.want_more)(CAMPAIGN, change.calls)
        if permits := turns.take(1000).get(CAMPAIGN, 0):
            granted += permits
            to_campaign.append(permits)

    def the_campaign_reads() -> None:
        nonlocal free
        permits = to_campaign.popleft()
        wants.granted(permits, ahead=False)
        free -= permits
        ask()

    for step in steps:
        if step == "a slot is freed":
            freed, free = freed + 1, free + 1
            ask()
        elif step == "the trunk reads" and to_trunk:
            the_trunk_reads()
        elif step == "the campaign reads" and to_campaign:
            the_campaign_reads()
        assert granted <= freed, "more permits than slots"
    while to_trunk or to_campaign:
        if to_trunk:
            the_trunk_reads()
        if to_campaign:
            the_campaign_reads()
    assert granted == freed, "a slot without a permit"
