"""What the Supervisor promises of its children, and the process of its Supervisor."""

from __future__ import annotations

import threading

import pykka
import pytest
from psycopg import OperationalError

from actors.addresses import SUPERVISOR, Address
from actors.supervision import ChildDown, StartChild, StopChild
from supervisor.tree.supervisor import TooManyDeathsError
from tests.tree.people import CHILD, DEATHS, Life, Tree
from tests.waiting import wait_until

OTHER = Address("other")


def kill(tree: Tree, point: str, death: type[BaseException]) -> None:
    """Have the child die at this point of its life; its next one is a long one."""
    life = tree.life()
    life.dies_in, life.death = point, death("on purpose")
    if point == "receive":
        tree.tell(CHILD, "anything")
    if point == "stopped":
        resident = tree.directory.find(CHILD)
        assert resident is not None
        resident.stop(block=False)


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("point", ["__init__", "started", "receive", "stopped"])
def test_a_child_that_died_is_started_again_once_with_the_next_generation(
    tree: Tree, point: str, death: type[BaseException]
) -> None:
    if point in ("__init__", "started"):
        kill(tree, point, death)
    tree.supervise(CHILD, OTHER)
    if point in ("receive", "stopped"):
        wait_until(lambda: tree.up() == 2)
        kill(tree, point, death)
    wait_until(lambda: tree.up() == 1)
    assert tree.directory.find(CHILD) is None
    tree.life().dies_in = None
    tree.advance(0.999)
    assert tree.up() == 1, "started again without a pause"
    tree.advance(0.001)
    tree.wait_for_generation(2)
    assert tree.ask(CHILD, "alive") == "alive"
    tree.advance(60)
    assert tree.up() == 2
    assert tree.generations == [(CHILD, 1), (OTHER, 1), (CHILD, 2)]
    assert tree.telemetry.restarted == ["child"]
    assert tree.deaths == []


def die_at_every_start(tree: Tree, times: int) -> None:
    """Move the clock on to each next start, which is after 1, 2, 4, 8 and then always 10 s."""
    for generation in range(1, times + 1):
        tree.wait_for_generation(generation)
        wait_until(lambda: tree.up() == 0)
        tree.advance(min(2 ** (generation - 1), 10))


def test_a_child_that_keeps_dying_is_started_again_after_ever_longer_pauses(tree: Tree) -> None:
    tree.life().dies_in = "started"
    tree.supervise(CHILD)
    for generation, pause in enumerate((1, 2, 4, 8, 10), start=1):
        tree.wait_for_generation(generation)
        wait_until(lambda: tree.up() == 0)
        tree.advance(pause - 0.001)
        assert tree.up() == 0
        assert len(tree.generations) == generation, "started again too soon"
        tree.life().dies_in = None if generation == 5 else "started"
        tree.advance(0.001)
    tree.wait_for_generation(6)
    assert (tree.up(), tree.deaths) == (1, [])


def test_a_dispensable_child_that_dies_too_often_is_quarantined_and_nobody_else_notices(tree: Tree) -> None:
    tree.life().dies_in = "started"
    tree.supervise(CHILD, kind="dispensable")
    tree.tell(SUPERVISOR, StartChild(OTHER, "child", ""))
    for generation in range(1, 7):
        tree.wait_for_generation(generation)
        wait_until(lambda: tree.up() == 1)
        tree.advance(min(2 ** (generation - 1), 10))
    ((child, why),) = wait_until(lambda: tree.quarantined)
    assert (child.address, why) == (CHILD, "ValueError: on purpose")
    tree.advance(600)
    assert (tree.up(), tree.life().born, tree.deaths) == (1, 6, [])
    assert tree.ask(OTHER, "alive") == "alive"
    tree.life().dies_in = None
    tree.tell(SUPERVISOR, StartChild(CHILD, "dispensable", ""))
    assert tree.up() == 2, "asked for again it is given another chance"


def supervise_campaigns(tree: Tree, broken: int, healthy: int, kind: str = "campaign") -> list[Address]:
    """Has those which can't live die at every start, as often as a child may and once more; answers which they are."""
    bad = [Address(f"broken:{n}") for n in range(broken)]
    tree.lives = {address: Life("started") for address in bad}
    tree.supervise(*bad, *(Address(f"healthy:{n}") for n in range(healthy)), kind=kind)
    for generation in range(1, 6):
        for address in bad:
            tree.wait_for_generation(generation, address)
        wait_until(lambda: tree.up() == healthy)
        tree.advance(min(2 ** (generation - 1), 10))
    return bad


@pytest.mark.parametrize(("broken", "healthy"), [(25, 30), (5, 5), (4, 4), (3, 0)])
def test_campaigns_that_can_not_live_are_quarantined_each_and_nobody_else_notices(
    tree: Tree, broken: int, healthy: int
) -> None:
    """However many die, it takes six deaths of each until that is known of it."""
    bad = supervise_campaigns(tree, broken, healthy)
    wait_until(lambda: len(tree.quarantined) == broken)
    assert {child.address for child, _ in tree.quarantined} == set(bad)
    assert (tree.up(), tree.deaths) == (healthy, [])
    assert [generation for address, generation in tree.generations if address not in bad] == [1] * healthy


@pytest.mark.parametrize(("broken", "healthy"), [(4, 0), (10, 0), (25, 0), (6, 5)])
def test_when_most_campaigns_keep_dying_none_is_given_up_for_good_but_the_process_ends(
    tree: Tree, broken: int, healthy: int
) -> None:
    """A missing grant, or a mistake that all of them run into, is none of them's own fault."""
    supervise_campaigns(tree, broken, healthy)
    (error,) = wait_until(lambda: tree.deaths)
    assert isinstance(error, TooManyDeathsError)
    assert tree.quarantined == []


def test_who_can_be_started_again_later_is_quarantined_however_many_they_are(tree: Tree) -> None:
    supervise_campaigns(tree, 10, 0, kind="dispensable")
    wait_until(lambda: len(tree.quarantined) == 10)
    assert tree.deaths == []


def test_campaigns_that_died_long_ago_do_not_speak_for_one_that_keeps_dying(tree: Tree) -> None:
    others = [Address(f"other:{n}") for n in range(5)]
    tree.supervise(*others, CHILD, kind="campaign")
    assert tree.up() == 6
    for address in others:
        tree.tell(address, ValueError("on purpose"))
    wait_until(lambda: tree.up() == 1)
    tree.advance(61)
    wait_until(lambda: tree.up() == 6)
    tree.life().dies_in = "receive"
    for _ in range(6):
        wait_until(lambda: tree.up() == 6)
        tree.tell(CHILD, "anything")
        wait_until(lambda: tree.up() == 5)
        tree.advance(10)
    ((child, _),) = wait_until(lambda: tree.quarantined)
    assert (child.address, tree.deaths) == (CHILD, [])


def test_the_process_ends_when_a_child_that_it_can_not_do_without_keeps_dying(tree: Tree) -> None:
    tree.life().dies_in = "started"
    tree.supervise(CHILD)
    for generation in range(1, 6):
        tree.wait_for_generation(generation)
        wait_until(lambda: tree.up() == 0)
        tree.advance(min(2 ** (generation - 1), 10))
    (error,) = wait_until(lambda: tree.deaths)
    assert isinstance(error, TooManyDeathsError) and "child" in str(error) and "on purpose" in str(error)


def test_the_process_ends_when_too_many_die_together_that_it_can_not_do_without(tree: Tree) -> None:
    addresses = [Address(f"child:{n}") for n in range(21)]
    tree.supervise(*addresses)
    assert tree.up() == 21
    for address in addresses[:20]:
        tree.tell(address, ValueError("on purpose"))
    wait_until(lambda: tree.up() == 1)
    assert tree.deaths == []
    tree.tell(addresses[20], ValueError("on purpose"))
    (error,) = wait_until(lambda: tree.deaths)
    assert isinstance(error, TooManyDeathsError)


def test_an_outage_of_postgresql_is_nobodys_fault(tree: Tree) -> None:
    tree.life().dies_in, tree.life().death = "started", OperationalError("connection refused")
    tree.supervise(CHILD)
    die_at_every_start(tree, 40)
    tree.wait_for_generation(41)
    assert (tree.deaths, tree.telemetry.restarted) == ([], [])


def test_want_of_threads_is_nobodys_fault(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.supervise()

    def none_left(actor: pykka.ThreadingActor) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as scarce:
        scarce.setattr(pykka.ThreadingActor, "_start_actor_loop", none_left)
        tree.tell(SUPERVISOR, StartChild(CHILD, "campaign", ""))
        die_at_every_start(tree, 40)
    wait_until(lambda: tree.advance(10) or tree.up() == 1)
    assert tree.ask(CHILD, "alive") == "alive"
    assert (tree.quarantined, tree.deaths) == ([], [])


def test_what_an_older_generation_still_reports_is_ignored(tree: Tree) -> None:
    tree.supervise(CHILD)
    wait_until(lambda: tree.up() == 1)
    kill(tree, "receive", ValueError)
    wait_until(lambda: tree.up() == 0)
    tree.life().dies_in = None
    tree.advance(1)
    tree.wait_for_generation(2)
    resident = tree.directory.find(CHILD)
    for stale in (ChildDown(CHILD, 1, "late"), ChildDown(CHILD, 1, None), ChildDown(CHILD, 3, "from nowhere")):
        tree.tell(SUPERVISOR, stale)
    assert tree.up() == 1
    tree.advance(60)
    assert tree.up() == 1
    assert tree.directory.find(CHILD) is resident
    assert len(tree.generations) == 2


def test_the_death_of_a_stranger_is_ignored(tree: Tree) -> None:
    tree.supervise(CHILD)
    tree.tell(SUPERVISOR, ChildDown(OTHER, 1, "who?"))
    assert tree.up() == 1


def test_a_child_that_is_there_already_stays(tree: Tree) -> None:
    tree.supervise(CHILD)
    for _ in range(3):
        tree.tell(SUPERVISOR, StartChild(CHILD, "child", ""))
    assert tree.up() == 1
    assert tree.generations == [(CHILD, 1)]


def test_a_child_that_is_not_needed_stops_in_order_and_stays_away(tree: Tree) -> None:
    tree.supervise(CHILD, OTHER)
    assert tree.up() == 2
    tree.tell(CHILD, "before")
    tree.tell(SUPERVISOR, StopChild(CHILD))
    wait_until(lambda: tree.up() == 1)
    assert tree.directory.find(CHILD) is None
    assert tree.life().seen == ["before"]
    tree.advance(60)
    tree.tell(SUPERVISOR, StopChild(CHILD))
    tree.tell(SUPERVISOR, StopChild(Address("nobody")))
    assert tree.up() == 1
    assert len(tree.generations) == 2 and tree.telemetry.restarted == []


@pytest.mark.parametrize("kind", ["child", "transient", "temporary"])
@pytest.mark.parametrize("dies_in", [None, "stopped"])
def test_a_child_asked_for_again_while_it_is_stopping_runs_exactly_once(
    tree: Tree, kind: str, dies_in: str | None
) -> None:
    life = tree.life()
    life.stop_gate, life.dies_in = threading.Event(), dies_in
    tree.supervise(CHILD, kind=kind)
    wait_until(lambda: tree.up() == 1)
    for _ in range(3):
        tree.tell(SUPERVISOR, StopChild(CHILD))
        tree.tell(SUPERVISOR, StartChild(CHILD, kind, ""))
    assert tree.up() == 1
    assert life.born == 1, "a second one runs beside the one that is stopping"
    life.stop_gate.set()
    tree.wait_for_generation(2)
    assert tree.up() == 1  # answered once it has been started
    assert tree.ask(CHILD, "alive") == "alive"
    assert (tree.up(), life.born) == (1, 2)
    tree.advance(60)
    assert (tree.up(), life.born) == (1, 2)
    assert sum(ref.is_alive() for ref in tree.running) == 1


def test_a_child_given_up_while_it_waits_to_be_started_again_stays_away(tree: Tree) -> None:
    tree.supervise(CHILD)
    wait_until(lambda: tree.up() == 1)
    kill(tree, "receive", ValueError)
    wait_until(lambda: tree.up() == 0)
    tree.life().dies_in = None
    tree.tell(SUPERVISOR, StopChild(CHILD))
    tree.advance(60)
    assert tree.up() == 0
    tree.tell(SUPERVISOR, StartChild(CHILD, "child", ""))
    wait_until(lambda: tree.up() == 1)
    assert tree.generations == [(CHILD, 1), (CHILD, 2)]


@pytest.mark.parametrize(
    ("kind", "after_a_crash", "after_a_stop"),
    [("permanent", True, True), ("transient", True, False), ("temporary", False, False)],
)
def test_what_is_started_again_depends_on_its_kind(
    tree: Tree, kind: str, after_a_crash: bool, after_a_stop: bool
) -> None:
    crashes, stops = Address("crashes"), Address("stops")
    tree.supervise(crashes, stops, kind=kind)
    wait_until(lambda: tree.up() == 2)
    tree.tell(crashes, ValueError("on purpose"))
    resident = tree.directory.find(stops)
    assert resident is not None
    resident.stop(block=False)  # by itself: nobody told the Supervisor
    wait_until(lambda: tree.up() == 0)
    tree.advance(1)
    wait_until(lambda: tree.up() == after_a_crash + after_a_stop)
    assert ((crashes, 2) in tree.generations, (stops, 2) in tree.generations) == (after_a_crash, after_a_stop)


def test_the_supervisors_own_death_is_the_processs(tree: Tree) -> None:
    tree.supervise(CHILD)
    assert tree.up() == 1
    tree.tell(SUPERVISOR, StartChild(OTHER, "a kind that is not known", ""))
    (error,) = wait_until(lambda: tree.deaths)
    assert isinstance(error, KeyError)
    assert tree.ask(CHILD, "alive") == "alive", "its children go on: calls in progress are not hung up"


def test_a_supervisor_that_can_not_start_is_dead_too(tree: Tree) -> None:
    tree.supervise(first=(StartChild(CHILD, "a kind that is not known", ""),))
    (error,) = wait_until(lambda: tree.deaths)
    assert isinstance(error, KeyError)


def test_a_message_that_it_does_not_know_is_its_death(tree: Tree) -> None:
    tree.supervise(CHILD)
    tree.tell(SUPERVISOR, "nonsense")
    (error,) = wait_until(lambda: tree.deaths)
    assert isinstance(error, TypeError)


def test_an_orderly_stop_of_the_supervisor_is_no_death(tree: Tree) -> None:
    ref = tree.supervise(CHILD)
    ref.stop(timeout=5)
    assert tree.deaths == []


def test_a_crash_among_many_disturbs_nobody_else(tree: Tree) -> None:
    addresses = [Address(f"child:{n}") for n in range(50)]
    tree.lives = {address: Life() for address in addresses}
    tree.supervise(*addresses)
    wait_until(lambda: tree.up() == 50)
    for address in addresses[::5]:
        tree.tell(address, SystemExit("on purpose"))
    wait_until(lambda: tree.up() == 40)
    tree.advance(1)
    wait_until(lambda: tree.up() == 50)
    assert [life.born for life in tree.lives.values()] == [2, 1, 1, 1, 1] * 10
