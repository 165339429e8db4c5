"""PostgreSQL fails under calls in progress: they go on, and what they yield is written when it is back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from actors.addresses import ROSTER, dialer_address
from actors.campaign import ledger as campaigns_ledger
from actors.dialer import ledger
from actors.dialer.actor import Dialer
from actors.dialer.calls import MOST_DIALERS
from actors.dialer.messages import Call, ParticipantJoined, ParticipantLeft, Seen
from actors.roster.messages import LookAround
from supervisor.clock import ManualClock
from supervisor.simulator import Answer, Refuse
from tests.waiting import wait_until
from tests.world import World

NUMBER = "+79450000001"
FOREVER = Answer(ring_s=1, talk_s=100_000)
AWAY = [psycopg.OperationalError, PoolTimeout, psycopg.errors.ReadOnlySqlTransaction]


class Failing:
    """A function that fails so often, or until the end, and works after that."""

    def __init__(self, works: Callable[..., Any], error: Exception, times: float = float("inf")) -> None:
        self._works, self._error, self._times = works, error, times
        self.failed, self.has_worked = 0, False

    def __call__(self, *values: Any, **named: Any) -> Any:
        if self.failed < self._times:
            self.failed += 1
            raise self._error
        result = self._works(*values, **named)
        self.has_worked = True
        return result

    def end(self) -> None:
        self._times = 0


def advance(world: World, seconds: float) -> None:
    assert isinstance(world.clock, ManualClock)
    world.clock.advance(timedelta(seconds=seconds))


def rings(world: World, answer: Answer, *, agent_worker: bool = True) -> None:
    """One call is begun, which is answered so."""
    world.livekit.set_knobs(agent_join_s=0, agent_lingers_s=0, agent_worker=agent_worker)
    world.campaign("spring", [NUMBER])
    world.livekit.set_script({NUMBER: [answer]})
    world.start()


def talking(world: World) -> UUID:
    """A call in progress."""
    rings(world, FOREVER)
    wait_until(lambda: world.calls("spring") and world.calls("spring")[0]["agent_joined_at"])
    call_id: UUID = world.calls("spring")[0]["id"]
    return call_id


def hang_up(world: World, call_id: UUID) -> None:
    """The callee does, and the agent leaves with them."""
    callee = Seen(f"callee-{call_id}", is_agent=False, joined_at=None, attributes={})
    for seen in (callee, Seen("agent", is_agent=True, joined_at=None, attributes={})):
        world.tell(dialer_address(call_id), ParticipantLeft(seen))


def is_followed(world: World, call_id: UUID, failing: Failing) -> bool:
    """By the first dialer with which nothing failed: one that gets no thread is in the directory, too, for a moment."""
    advance(world, 1)
    return failing.has_worked and world.service.directory.find(dialer_address(call_id)) is not None


@pytest.mark.parametrize("error", AWAY)
def test_a_call_whose_answer_can_not_be_written_goes_on(
    still_world: World, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    failing = Failing(ledger.mark_answered, error("away"))
    monkeypatch.setattr(ledger, "mark_answered", failing)
    rings(still_world, Answer(ring_s=1, talk_s=20))
    still_world.wait_for_status("spring", "completed")
    (call,) = still_world.calls("spring")
    assert failing.failed and call["outcome"] == "answered"


@pytest.mark.parametrize("error", AWAY)
def test_a_call_whose_dialers_can_not_read_how_far_it_has_come_is_followed_when_they_can(
    still_world: World, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    call_id, failing = talking(still_world), Failing(ledger.read_calls, error("away"), MOST_DIALERS + 2)
    monkeypatch.setattr(ledger, "read_calls", failing)
    still_world.tell(dialer_address(call_id), "nonsense")
    wait_until(lambda: is_followed(still_world, call_id, failing))
    hang_up(still_world, call_id)
    still_world.wait_for_status("spring", "completed")
    assert [call["outcome"] for call in still_world.calls("spring")] == ["answered"]


def test_a_call_that_nobody_can_follow_for_want_of_threads_is_followed_when_there_are_some(
    still_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_id = talking(still_world)
    failing = Failing(Dialer._start_actor_loop, RuntimeError("can't start new thread"), MOST_DIALERS + 2)
    monkeypatch.setattr(Dialer, "_start_actor_loop", lambda dialer: failing(dialer))
    still_world.tell(dialer_address(call_id), "nonsense")
    wait_until(lambda: is_followed(still_world, call_id, failing))
    hang_up(still_world, call_id)
    still_world.wait_for_status("spring", "completed")
    assert [call["outcome"] for call in still_world.calls("spring")] == ["answered"]


@pytest.mark.parametrize("unwritten", ["answered_at", "agent_joined_at"])
def test_what_could_not_be_written_of_a_call_is_written_while_it_goes_on(
    still_world: World, monkeypatch: pytest.MonkeyPatch, unwritten: str
) -> None:
    """Whoever follows it after a crash of the process knows by this that somebody was reached."""
    mark, failed = ledger.mark_answered, threading.Event()

    def fails_once(
        connection: psycopg.Connection, call: Call, answered_at: datetime, agent: datetime | None, *more: Any
    ) -> Any:
        if not failed.is_set() and (unwritten == "answered_at" or agent is not None):
            failed.set()
            raise psycopg.OperationalError("away")
        return mark(connection, call, answered_at, agent, *more)

    monkeypatch.setattr(ledger, "mark_answered", fails_once)
    rings(still_world, FOREVER)
    wait_until(failed.is_set)
    wait_until(lambda: advance(still_world, 1) or still_world.calls("spring")[0][unwritten])
    assert still_world.calls("spring")[0]["state"] == "answered"


def test_what_is_written_of_a_call_counts_though_its_lease_was_lost_and_taken_again_meanwhile(
    still_world: World,
) -> None:
    rings(still_world, FOREVER, agent_worker=False)
    wait_until(lambda: still_world.calls("spring") and still_world.calls("spring")[0]["answered_at"])
    still_world.connection.execute("UPDATE campaign_leases SET epoch = epoch + 1")
    still_world.tell(ROSTER, LookAround())
    agent = Seen("agent", is_agent=True, joined_at=None, attributes={})
    still_world.tell(dialer_address(still_world.calls("spring")[0]["id"]), ParticipantJoined(agent))
    wait_until(lambda: still_world.calls("spring")[0]["agent_joined_at"])
    assert still_world.calls("spring")[0]["state"] == "answered"


def test_a_drain_waits_for_results_that_postgresql_does_not_take_yet(
    brisk_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start could not know who refused to be called, and would call them again."""
    failing = Failing(campaigns_ledger.settle, psycopg.OperationalError("away"))
    monkeypatch.setattr(campaigns_ledger, "settle", failing)
    brisk_world.campaign("spring", [NUMBER])
    brisk_world.livekit.set_script({NUMBER: [Refuse(603, "Decline")]})
    brisk_world.start()
    wait_until(lambda: failing.failed and brisk_world.service.calls_in_progress() == 0)
    assert brisk_world.service.drain(0.1, threading.Event()) == 0, "a call is still up"
    assert brisk_world.calls("spring")[0]["outcome"] is None
    brisk_world.service.drain(60, threading.Event(), while_waiting=failing.end)
    assert brisk_world.calls("spring")[0]["outcome"] == "rejected"
