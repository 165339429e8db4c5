"""Ten thousand waiting threads do not make each message dearer."""

from __future__ import annotations

from supervisor.many_threads import SLOTS, make_room_for_threads, thread_slots


def test_the_kernel_has_a_slot_for_each_waiting_thread_where_it_lets_us_choose() -> None:
    make_room_for_threads()
    assert thread_slots() in (SLOTS, -1)
