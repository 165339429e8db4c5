"""Calls lets go of a campaign that is another supervisor's: its dialers stop, and nothing of it is kept here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pykka
import pytest
from psycopg_pool import ConnectionPool

from actors.addresses import CALLS, Address, dialer_address, trunk_address
from actors.call import Call, CallResult
from actors.dialer.calls import Calls
from actors.dialer.ledger import CallRow
from actors.dialer.messages import RETURN_WITHIN, AreAllSettled, CallFinished, LetGo, PlaceCalls, TakeOver
from actors.outcomes import Outcome
from actors.trunk.messages import PermitsReturned
from supervisor.metrics import Metrics
from tests.dialer.mailbox import a_call
from tests.tree.people import Child, Life, Tree
from tests.waiting import wait_until
from tests.world import TUESDAY


class Switchboard:
    """Calls, with one call, whose dialer only does what a test says."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.call = a_call()
        self.life = Life(stop_gate=threading.Event())
        self.trunk = tree.registrar(trunk_address(self.call.trunk))
        self._calls = Calls.start(
            CALLS,
            1,
            tree.surroundings,
            start_dialer=self._start_dialer,
            pool=ConnectionPool(open=False),
            telemetry=Metrics("1"),
        )
        tree.running.append(self._calls)
        tree.tell(CALLS, PlaceCalls((self.call,)))
        assert self.is_followed

    def _start_dialer(
        self, address: Address, generation: int, call: Call, resume: bool, stands: CallRow | None
    ) -> pykka.ActorRef[Any]:
        made = Child.start(address, generation, CALLS, self.tree.surroundings, self.life)
        self.tree.running.append(made)
        return made

    @property
    def all_settled(self) -> bool:
        """Asked behind everything that Calls was told before."""
        answer: bool = self.tree.ask(CALLS, AreAllSettled())
        return answer

    @property
    def is_followed(self) -> bool:
        return self.all_settled and self.tree.directory.find(dialer_address(self.call.call_id)) is not None

    @property
    def permit_is_returned(self) -> bool:
        return PermitsReturned((self.call.call_id,)) in self.trunk.told

    def let_go(self) -> None:
        """Returns when the dialer has been told to stop; it has not done so yet."""
        told = len(self.trunk.told)
        self.tree.tell(CALLS, LetGo(self.call.campaign_id))
        assert self.all_settled
        self.tree.clock.advance(RETURN_WITHIN)
        wait_until(lambda: self.trunk.told[told:])
        assert self.all_settled

    def dialer_stops(self) -> None:
        assert self.life.stop_gate is not None
        self.life.stop_gate.set()

    def finish(self) -> None:
        """The last that the dialer says."""
        self.tree.tell(CALLS, CallFinished(CallResult(self.call, Outcome.ANSWERED, TUESDAY)))


@pytest.fixture
def switchboard() -> Iterator[Switchboard]:
    tree = Tree()
    tree.start()
    made = Switchboard(tree)
    yield made
    made.dialer_stops()
    tree.close()


@pytest.mark.parametrize("dies_in", [None, "stopped"])
def test_a_permit_is_returned_only_when_no_dialer_can_ask_for_it_any_more(
    switchboard: Switchboard, dies_in: str | None
) -> None:
    switchboard.life.dies_in = dies_in
    switchboard.let_go()
    assert not switchboard.permit_is_returned
    switchboard.dialer_stops()
    wait_until(lambda: switchboard.permit_is_returned)
    assert not switchboard.is_followed


def test_a_result_that_comes_behind_that_is_not_waited_for(switchboard: Switchboard) -> None:
    """Nobody would ever settle it here."""
    switchboard.let_go()
    switchboard.finish()
    assert switchboard.all_settled


def test_a_result_is_kept_if_the_campaign_has_come_back_meanwhile(switchboard: Switchboard) -> None:
    switchboard.let_go()
    switchboard.tree.tell(CALLS, TakeOver(switchboard.call.campaign_id, (switchboard.call,)))
    switchboard.finish()
    assert not switchboard.all_settled
