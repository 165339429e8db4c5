"""What the base class promises of every actor: deaths that are reported once, reminders that are never stale."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pykka
import pytest

from actors.actor import Reminder
from actors.addresses import SUPERVISOR, Address, Directory
from actors.supervision import ChildDown
from tests.tree.people import CHILD, DEATHS, Forget, Hold, Life, PutBehind, Remind, Tree, downs
from tests.waiting import wait_until

OTHER = Address("other")


# Deaths


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("point", ["started", "receive", "stopped"])
def test_a_death_is_reported_once_with_its_reason_and_kills_nobody_else(
    tree: Tree, point: str, death: type[BaseException]
) -> None:
    parent = tree.registrar()
    bystander = tree.alone(Life(), OTHER, parent=Address("nobody"))
    ref = tree.alone(Life(point, death("on purpose")))
    if point == "receive":
        ref.tell("anything")
    if point == "stopped":
        ref.stop(block=False)
    (down,) = wait_until(lambda: downs(parent.told))
    assert (down.address, down.generation) == (CHILD, 1)
    assert down.error is not None and f"{death.__name__}: on purpose" in down.error
    wait_until(lambda: not ref.is_alive())
    assert bystander.ask("hello", timeout=5) == "hello"
    assert len(downs(parent.told)) == 1
    assert not tree.directory.tell(CHILD, "hello"), "the dead took a message"


def test_a_constructors_death_is_its_callers_to_handle_and_nothing_runs(tree: Tree) -> None:
    parent = tree.registrar()
    with pytest.raises(ValueError, match="on purpose"):
        tree.alone(Life("__init__"))
    assert parent.told == []


def test_an_orderly_stop_is_reported_once_without_an_error(tree: Tree) -> None:
    parent = tree.registrar()
    life = Life()
    ref = tree.alone(life)
    ref.tell("before")
    ref.stop(timeout=5)
    assert life.seen == ["before"], "what was told before a stop is still received"
    assert parent.told == [ChildDown(CHILD, 1, None)]


@pytest.mark.parametrize("death", DEATHS)
def test_a_question_that_fails_is_answered_by_its_error(tree: Tree, death: type[BaseException]) -> None:
    """pykka does not end an actor for it; a bare SystemExit would end every actor."""
    ref = tree.alone(Life())
    with pytest.raises(Exception, match="on purpose"):
        ref.ask(death("on purpose"), timeout=5)
    assert ref.ask("still there", timeout=5) == "still there"


def test_an_actor_can_be_told_before_its_constructor_has_returned(tree: Tree) -> None:
    """What it asks for in `started` may be answered at once."""
    life = Life()
    tree.alone(life)
    tree.tell(CHILD, "early")
    wait_until(lambda: life.seen == ["early"])


# The directory


def test_nobody_at_an_address_is_an_answer() -> None:
    assert Directory().tell(CHILD, "hello") is False
    assert Directory().find(CHILD) is None


def test_who_enters_an_address_takes_it_over_and_who_leaves_is_not_there(tree: Tree) -> None:
    first, second = tree.registrar(CHILD), tree.registrar(CHILD)
    tree.tell(CHILD, 1)
    tree.directory.leave(CHILD)
    tree.directory.leave(CHILD)
    assert not tree.directory.tell(CHILD, 2)
    assert (first.told, second.told) == ([], [1])


def test_residents_are_a_picture_of_a_moment(tree: Tree) -> None:
    tree.registrar(CHILD)
    residents = tree.directory.residents()
    tree.registrar(OTHER)
    assert list(residents) == [CHILD]


def test_an_actor_that_died_takes_no_message_even_before_its_parent_knows(tree: Tree) -> None:
    ref = tree.alone(Life(), parent=Address("nobody"))
    ref.stop(timeout=5)
    assert tree.directory.find(CHILD) is ref
    assert tree.directory.tell(CHILD, "hello") is False


# What comes behind the mailbox


def test_what_is_put_behind_the_mailbox_comes_once_after_all_that_lay_there(tree: Tree) -> None:
    life, gate = Life(), threading.Event()
    ref = tree.alone(life)
    ref.tell(Hold(gate))
    for message in (PutBehind("settle"), "one", PutBehind("settle"), PutBehind("proceed"), "two"):
        ref.tell(message)
    gate.set()
    wait_until(lambda: life.seen == ["one", "two", "settle", "proceed"])


def test_it_can_be_put_there_again_after_it_came(tree: Tree) -> None:
    life = Life()
    ref = tree.alone(life)
    for number in (1, 2):
        ref.tell(PutBehind("settle"))
        wait_until(lambda number=number: life.seen == ["settle"] * number)


# Reminders


def test_a_reminder_comes_at_its_time_and_not_before(tree: Tree) -> None:
    life = Life()
    tree.alone(life)
    tree.ask(CHILD, Remind("a", tree.at(60), "it is time"))
    tree.advance(59.999)
    tree.ask(CHILD, "still early")
    tree.advance(0.001)
    wait_until(lambda: life.seen == ["still early", "it is time"])


def test_a_reminder_that_was_replaced_is_never_seen(tree: Tree) -> None:
    life = Life()
    tree.alone(life)
    for seconds in (10, 30, 20):
        tree.ask(CHILD, Remind("a", tree.at(seconds), seconds))
    tree.advance(100)
    wait_until(lambda: 20 in life.seen)
    tree.ask(CHILD, "afterwards")
    assert life.seen == [20, "afterwards"]


def test_a_reminder_that_was_taken_back_is_never_seen(tree: Tree) -> None:
    life = Life()
    tree.alone(life)
    tree.ask(CHILD, Remind("a", tree.at(10), "never"))
    tree.ask(CHILD, Remind("b", tree.at(10), "other key"))
    tree.ask(CHILD, Forget("a"))
    tree.ask(CHILD, Forget("a"))
    tree.ask(CHILD, Forget("unknown"))
    tree.advance(10)
    wait_until(lambda: "other key" in life.seen)
    tree.ask(CHILD, "afterwards")
    assert life.seen == ["other key", "afterwards"]


@pytest.mark.parametrize("change", ["forget", "replace"])
def test_nor_is_it_when_it_lay_in_the_mailbox_already(tree: Tree, change: str) -> None:
    life, gate = Life(), threading.Event()
    ref = tree.alone(life)
    tree.ask(CHILD, Remind("a", tree.at(10), "stale"))
    ref.tell(Hold(gate))
    wait_until(ref.actor_inbox.empty)  # type: ignore[attr-defined]
    ref.tell(Forget("a") if change == "forget" else Remind("a", tree.at(20), "fresh"))
    tree.advance(10)
    wait_until(lambda: ref.actor_inbox.qsize() == 2)  # type: ignore[attr-defined]
    gate.set()
    tree.ask(CHILD, "afterwards")
    assert life.seen == ["afterwards"]
    tree.advance(10)
    if change == "replace":
        wait_until(lambda: life.seen == ["afterwards", "fresh"])


def test_a_reminder_can_be_set_again_after_it_came_or_was_taken_back(tree: Tree) -> None:
    life = Life()
    tree.alone(life)
    tree.ask(CHILD, Remind("a", tree.at(1), 1))
    tree.advance(1)
    wait_until(lambda: life.seen == [1])
    tree.ask(CHILD, Remind("a", tree.at(1), 1))  # the same once more, for a time that is past
    wait_until(lambda: life.seen == [1, 1])
    tree.ask(CHILD, Remind("a", tree.at(2), 2))
    tree.ask(CHILD, Forget("a"))
    tree.ask(CHILD, Remind("a", tree.at(2), 2))
    tree.advance(1)
    wait_until(lambda: life.seen == [1, 1, 2])


def test_asking_for_the_same_reminder_again_costs_nothing(tree: Tree) -> None:
    """A campaign asks at every message it gets; the heap must not grow with that."""
    life = Life()
    tree.alone(life)
    for _ in range(50):
        tree.ask(CHILD, Remind("a", tree.at(5), "once"))
    assert len(tree.timer._heap) == 1
    tree.advance(5)
    wait_until(lambda: life.seen)
    tree.ask(CHILD, "afterwards")
    assert life.seen == ["once", "afterwards"]


def test_ten_thousand_reminders_come_in_the_order_of_their_times(tree: Tree) -> None:
    life = Life()
    ref = tree.alone(life)
    count = 10_000
    for n in range(count):
        place = n * 7919 % count  # every place once, in no order
        ref.tell(Remind(f"key {place}", tree.at(1 + place), place))
    tree.ask(CHILD, "all are set")
    tree.advance(count / 2)
    wait_until(lambda: len(life.seen) == 1 + count / 2)
    tree.advance(count)
    wait_until(lambda: len(life.seen) == 1 + count)
    assert life.seen == ["all are set", *range(count)]
    assert not tree.timer._heap and not tree.timer._current


def test_reminders_for_one_moment_come_in_the_order_in_which_they_were_asked_for(tree: Tree) -> None:
    life = Life()
    tree.alone(life)
    for n in range(100):
        tree.ask(CHILD, Remind(str(n), tree.at(1), n))
    tree.advance(1)
    wait_until(lambda: life.seen == list(range(100)))


@pytest.mark.parametrize("death", [None, ValueError("on purpose"), asyncio.CancelledError()])
def test_the_reminders_of_an_actor_that_is_gone_are_dropped(tree: Tree, death: BaseException | None) -> None:
    ref = tree.alone(Life())
    parent = tree.registrar()
    tree.ask(CHILD, Remind("a", tree.at(10), "for the dead"))
    if death is None:
        ref.stop(timeout=5)
    else:
        ref.tell(death)
    wait_until(lambda: parent.told)
    heir, other = tree.registrar(CHILD), Life()  # somebody else moves in
    tree.alone(other, OTHER)
    tree.ask(OTHER, Remind("b", tree.at(11), "for the living"))
    tree.advance(20)
    wait_until(lambda: other.seen)
    assert heir.told == []


def test_a_reminder_on_its_way_to_a_dead_actor_is_not_seen_by_its_successor(tree: Tree) -> None:
    """The timer had let go of it already when the old one died; the new one has a reminder of the same key."""
    spy = tree.registrar(CHILD)
    reminders: list[Reminder] = []
    tree.timer.tell_at = lambda instant, address, reminder: reminders.append(reminder)  # type: ignore[method-assign]
    for generation in (1, 2):
        life = Life()
        tree.alone(life)
        tree.ask(CHILD, Remind("pulse", tree.at(30), generation))
    tree.tell(CHILD, reminders[0])
    tree.tell(CHILD, reminders[1])
    wait_until(lambda: life.seen == [2])
    assert spy.told == []


def test_the_timer_survives_a_reminder_for_nobody(tree: Tree) -> None:
    tree.timer.tell_at(tree.at(1), Address("nobody"), Reminder("a", 0, "hello"))
    tree.timer.cancel(-1)
    life = Life()
    tree.alone(life)
    tree.ask(CHILD, Remind("a", tree.at(2), "hello"))
    tree.advance(2)
    wait_until(lambda: life.seen == ["hello"])


def test_a_reminder_for_the_past_comes_at_once(tree: Tree) -> None:
    life = Life()
    tree.alone(life)
    tree.tell(CHILD, Remind("a", tree.clock.now() - timedelta(days=1), "late"))
    wait_until(lambda: life.seen == ["late"])


def test_a_stopped_timer_tells_nothing(tree: Tree) -> None:
    other = Tree()
    other.start()
    heir = other.registrar(CHILD)
    other.timer.tell_at(other.at(1), CHILD, Reminder("a", 0, "hello"))
    other.timer.stop()
    other.advance(2)
    assert heir.told == []
    assert not other.timer._thread.is_alive()


def test_an_actor_whose_parent_is_gone_ends_in_peace(tree: Tree) -> None:
    ref = tree.alone(Life(), parent=Address("nobody"))
    ref.tell(ValueError("on purpose"))
    wait_until(lambda: not ref.is_alive())
    with pytest.raises(pykka.ActorDeadError):
        ref.tell("hello")
    assert SUPERVISOR not in tree.directory.residents()
