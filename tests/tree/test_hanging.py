"""An actor that hangs is as good as dead: another takes its address, and nobody hears it any more."""

from __future__ import annotations

import threading

from actors.addresses import SUPERVISOR, Address
from actors.vital_signs import PATIENCE_S, PULSE, FeelPulse, VitalSigns
from tests.tree.people import CHILD, Hold, Tree
from tests.waiting import wait_until

OTHER = Address("other")
PULSE_S = PULSE.total_seconds()


def test_a_hung_actor_is_followed_by_another_and_no_longer_heard(tree: Tree) -> None:
    tree.supervise(CHILD, OTHER)
    gate = threading.Event()
    hung = wait_until(lambda: tree.directory.find(CHILD))
    assert hung is not None
    hung.tell(Hold(gate))
    for _ in range(int(PATIENCE_S / PULSE_S) + 2):
        tree.tell(SUPERVISOR, FeelPulse())
        tree.up()
        assert tree.ask(OTHER, "well?") == "well?"
        tree.seconds += PULSE_S
    tree.tell(SUPERVISOR, FeelPulse())
    assert tree.up() == 1, "it was not noticed"
    tree.advance(1)
    tree.wait_for_generation(2)
    assert tree.ask(CHILD, "alive") == "alive"
    assert tree.telemetry.restarted == ["child"]
    gate.set()  # it wakes up, and finds its question about a sign of life
    wait_until(lambda: not hung.is_alive())
    assert tree.up() == 2, "its end was taken for its successor's"
    assert tree.generations == [(CHILD, 1), (OTHER, 1), (CHILD, 2)]


def test_who_answers_does_not_hang_however_long_it_goes_on() -> None:
    signs, now = VitalSigns(), 0.0
    for _ in range(100):
        assert signs.to_ask([CHILD], now) == [CHILD]
        assert signs.hanging(now) == []
        signs.seen(CHILD)
        now += PULSE_S


def test_a_question_is_not_put_twice_and_hanging_takes_the_whole_patience() -> None:
    signs = VitalSigns()
    assert signs.to_ask([CHILD, OTHER], 0.0) == [CHILD, OTHER]
    now = 0.0
    while now < PATIENCE_S:
        now += PULSE_S
        assert signs.to_ask([CHILD], now) == []
        assert signs.hanging(now) == ([CHILD] if now > PATIENCE_S else [])
    signs.to_ask([CHILD], now + 1)
    assert signs.hanging(now + 1) == [CHILD]


def test_a_process_that_stood_still_holds_it_against_nobody() -> None:
    signs = VitalSigns()
    signs.to_ask([CHILD], 0.0)
    assert signs.to_ask([CHILD], 1000.0) == [CHILD]
    assert signs.hanging(1000.0) == []
