"""Ten thousand calls do not make each message dearer, nor have everything stand still."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator

import pytest

from supervisor.many_calls import SLOTS, collect_rarely, make_room_for_threads

PR_FUTEX_HASH, GET_SLOTS = 78, 2


def test_the_kernel_has_a_slot_for_each_waiting_thread_where_it_lets_us_choose() -> None:
    make_room_for_threads()
    slots = ctypes.CDLL(None).prctl(PR_FUTEX_HASH, GET_SLOTS, 0, 0, 0)
    assert slots in (SLOTS, -1), "-1: a kernel that knows only a table for all"


@pytest.fixture
def thresholds() -> Iterator[tuple[int, int, int]]:
    before = gc.get_threshold()
    yield before
    gc.set_threshold(*before)


def test_only_looking_through_everything_becomes_rare(thresholds: tuple[int, int, int]) -> None:
    collect_rarely()
    young, middle, old = gc.get_threshold()
    assert (young, middle) == thresholds[:2] and old > thresholds[2]
