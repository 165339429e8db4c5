"""An actor that hangs is as good as dead: another takes its address, and nobody hears it any more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pykka
import pytest

from actors.addresses import SUPERVISOR, Address
from actors.vital_signs import PATIENCE_S, PULSE, FeelPulse, VitalSigns
from tests.tree.people import CHILD, Hold, Life, Remind, Tree
from tests.waiting import wait_until

OTHER = Address("other")
PULSE_S = PULSE.total_seconds()


def test_a_hung_actor_is_followed_by_another_and_no_longer_heard(tree: Tree) -> None:
    tree.supervise(CHILD, OTHER)
    gate = threading.Event()
    hung = hang(tree, gate)
    for _ in pulses(tree):
        assert tree.ask(OTHER, "well?") == "well?"
    assert tree.up() == 1, "it was not noticed"
    tree.advance(1)
    tree.wait_for_generation(2)
    assert tree.ask(CHILD, "alive") == "alive"
    assert tree.telemetry.restarted == ["child"]
    gate.set()  # it wakes up, and finds that it was given up
    wait_until(lambda: not hung.is_alive())
    assert tree.up() == 2, "its end was taken for its successor's"
    assert tree.generations == [(CHILD, 1), (OTHER, 1), (CHILD, 2)]


def test_a_hung_actor_that_wakes_takes_no_reminder_from_its_successor(tree: Tree) -> None:
    tree.supervise(CHILD)
    gate = threading.Event()
    tree.up()
    tree.ask(CHILD, Remind("pulse", tree.at(60), "its own pulse"))
    hung = hang(tree, gate)
    hung.tell(Remind("look around", tree.at(60), "its own look"))
    for _ in pulses(tree):
        pass
    assert tree.up() == 0, "it was not noticed"
    tree.advance(1)
    tree.wait_for_generation(2)
    for key in ("pulse", "look around"):
        tree.ask(CHILD, Remind(key, tree.at(50), key))
    gate.set()
    wait_until(lambda: not hung.is_alive())
    tree.advance(59)
    wait_until(lambda: tree.life().seen == ["well?", "pulse", "look around"])


def test_who_waits_for_a_message_does_not_hang_however_long_and_wakes_for_nobody(tree: Tree) -> None:
    tree.supervise(CHILD)
    for _ in range(10):
        tree.tell(SUPERVISOR, FeelPulse())
        tree.up()
        tree.seconds += PULSE_S
    assert tree.generations == [(CHILD, 1)]
    assert tree.ask(CHILD, "well?") == "well?"
    wait_until(lambda: tree.directory.at_work("child") == {})
    assert tree.life().seen == ["well?"]


def test_an_answer_that_fails_is_no_work_that_goes_on(tree: Tree) -> None:
    tree.supervise(CHILD)
    tree.up()
    with pytest.raises(ValueError, match="on purpose"):
        tree.ask(CHILD, ValueError("on purpose"))
    wait_until(lambda: tree.directory.at_work("child") == {})


def test_one_that_has_ended_and_is_still_in_the_directory_is_noticed(tree: Tree) -> None:
    """Whoever started it may have died at that moment, and its word with them."""
    ref = tree.alone(Life(), parent=Address("nobody"))
    ref.stop(timeout=5)
    assert tree.directory.at_work("child") == {CHILD: tree.seconds}


def test_hanging_takes_the_whole_patience() -> None:
    signs, now = VitalSigns(), 0.0
    while now < PATIENCE_S:
        now += PULSE_S
        assert signs.hanging({CHILD: 0.0, OTHER: now}, now) == ([CHILD] if now > PATIENCE_S else [])
    assert signs.hanging({CHILD: 0.0}, now + 1) == [CHILD]


def test_a_process_that_stood_still_holds_it_against_nobody() -> None:
    signs = VitalSigns()
    assert signs.hanging({CHILD: 0.0}, 0.0) == []
    for now in (1000.0, 1030.0, 1060.0, 1090.0):
        assert signs.hanging({CHILD: 0.0}, now) == []
    assert signs.hanging({CHILD: 0.0}, 1120.0) == [CHILD]


def hang(tree: Tree, gate: threading.Event) -> pykka.ActorRef[Any]:
    """The child, at a message that it is at until the gate opens."""
    child = wait_until(lambda: tree.directory.find(CHILD))
    assert child is not None
    tree.ask(CHILD, "well?")
    child.tell(Hold(gate))
    wait_until(lambda: tree.directory.at_work("child"))
    return child


def pulses(tree: Tree) -> Iterator[None]:
    """Those that the Supervisor feels until it must have noticed who hangs; what is done between them, goes on."""
    for _ in range(int(PATIENCE_S / PULSE_S) + 2):
        tree.tell(SUPERVISOR, FeelPulse())
        tree.up()
        yield
        tree.seconds += PULSE_S
    tree.tell(SUPERVISOR, FeelPulse())
