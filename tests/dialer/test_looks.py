"""The net for lost webhooks takes the event loop no more than it can spare."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actors.dialer.looks import first_look_after, look_every


@pytest.mark.parametrize(("calls", "seconds"), [(1, 15), (750, 15), (3_000, 60), (10_000, 200)])
def test_more_calls_are_looked_at_less_often_and_all_together_fifty_times_a_second(calls: int, seconds: int) -> None:
    assert look_every(calls) == timedelta(seconds=seconds)
    assert calls / look_every(calls).total_seconds() <= 50


@pytest.mark.parametrize(("calls", "seconds"), [(1, 0), (100, 0), (300, 1), (1_000, 4.5)])
def test_all_are_taken_over_before_the_last_is_looked_at(calls: int, seconds: float) -> None:
    assert first_look_after(calls) == timedelta(seconds=seconds)
