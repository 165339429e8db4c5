"""PostgreSQL fails under calls in progress: they go on, and what they yield is written when it is back."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pykka
import pytest
from psycopg_pool import PoolTimeout

from actors.addresses import CENSUS, ROSTER, SUPERVISOR, campaign_address, dialer_address, trunk_address
from actors.call import Call
from actors.campaign import census
from actors.campaign import ledger as campaigns_ledger
from actors.dialer import ledger
from actors.dialer.actor import Dialer
from actors.dialer.calls import MOST_DIALERS
from actors.dialer.messages import Participant, ParticipantJoined, ParticipantLeft
from actors.roster.messages import LookAround
from actors.supervision import Drain
from actors.trunk import ledger as trunk_ledger
from supervisor.simulator import Answer, Refuse
from supervisor.tree.supervisor import AreYouThere
from tests.failing import Failing
from tests.waiting import wait_until
from tests.world import World

NUMBER = "+79450000001"
FOREVER = Answer(ring_s=1, talk_s=100_000)
AWAY = [psycopg.OperationalError, PoolTimeout, psycopg.errors.ReadOnlySqlTransaction]


def advance(world: World, seconds: float) -> None:
    world.advance(timedelta(seconds=seconds))


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
    callee = Participant(f"callee-{call_id}", is_agent=False, joined_at=None, attributes={})
    for seen in (callee, Participant("agent", is_agent=True, joined_at=None, attributes={})):
        world.tell(dialer_address(call_id), ParticipantLeft(seen))


def is_followed(world: World, call_id: UUID, failing: Failing) -> bool:
    """By the first dialer with which nothing failed: one that gets no thread is in the directory, too, for a moment."""
    advance(world, 1)
    return failing.has_worked and world.service.directory.find(dialer_address(call_id)) is not None


def declines_unsettled(world: World, monkeypatch: pytest.MonkeyPatch, error: Exception) -> Failing:
    """The one contact declines, and that can't be settled."""
    failing = Failing(campaigns_ledger.settle, error)
    monkeypatch.setattr(campaigns_ledger, "settle", failing)
    world.campaign("spring", [NUMBER])
    world.livekit.set_script({NUMBER: [Refuse(603, "Decline")]})
    world.start()
    return failing


def no_thread_for_dialers(monkeypatch: pytest.MonkeyPatch, times: float = float("inf")) -> Failing:
    starts = pykka.ThreadingActor._start_actor_loop
    failing = Failing(starts, RuntimeError("can't start new thread"), times)

    def start(actor: pykka.ThreadingActor) -> None:
        (failing if isinstance(actor, Dialer) else starts)(actor)

    monkeypatch.setattr(pykka.ThreadingActor, "_start_actor_loop", start)
    return failing


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
    failing = no_thread_for_dialers(monkeypatch, MOST_DIALERS + 2)
    still_world.tell(dialer_address(call_id), "nonsense")
    wait_until(lambda: is_followed(still_world, call_id, failing))
    hang_up(still_world, call_id)
    still_world.wait_for_status("spring", "completed")
    assert [call["outcome"] for call in still_world.calls("spring")] == ["answered"]


def test_new_calls_for_which_there_are_no_threads_cost_nobody_an_attempt(
    still_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = no_thread_for_dialers(monkeypatch)
    still_world.livekit.set_script({NUMBER: [Answer(ring_s=1, talk_s=20)]})
    still_world.campaign("spring", [NUMBER], "[retry]\nmax_retries = 1")
    still_world.start()
    wait_until(lambda: advance(still_world, 1) or failing.failed > MOST_DIALERS)
    assert [call["state"] for call in still_world.calls("spring")] == ["claimed"]
    failing.end()
    wait_until(lambda: advance(still_world, 1) or still_world.row("spring")["status"] == "completed")
    assert [call["state"] for call in still_world.calls("spring")] == ["given_back", "ended"]
    assert [task["outcome"] for task in still_world.tasks("spring")] == ["answered"]
    still_world.check_ledger()


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
    agent = Participant("agent", is_agent=True, joined_at=None, attributes={})
    still_world.tell(dialer_address(still_world.calls("spring")[0]["id"]), ParticipantJoined(agent))
    wait_until(lambda: still_world.calls("spring")[0]["agent_joined_at"])
    assert still_world.calls("spring")[0]["state"] == "answered"


def test_a_drain_waits_for_results_that_postgresql_does_not_take_yet(
    brisk_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start could not know who refused to be called, and would call them again."""
    failing = declines_unsettled(brisk_world, monkeypatch, psycopg.OperationalError("away"))
    wait_until(lambda: failing.failed and brisk_world.service.calls_in_progress() == 0)
    assert brisk_world.service.drain(0.1, threading.Event()) == 0, "a call is still up"
    assert brisk_world.calls("spring")[0]["outcome"] is None
    brisk_world.service.drain(60, threading.Event(), while_waiting=failing.end)
    assert brisk_world.calls("spring")[0]["outcome"] == "rejected"


@pytest.mark.parametrize("error", AWAY)
def test_a_trunk_that_can_not_write_what_it_has_learned_of_its_pace_goes_on(
    still_world: World, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    failing = Failing(trunk_ledger.write_pace, error("away"))
    monkeypatch.setattr(trunk_ledger, "write_pace", failing)
    still_world.limit(trunk="calls_per_minute = 600")
    rings(still_world, Refuse(503, "CPS limit exceeded", after_s=0.1))
    first = still_world.service.directory.find(trunk_address("main"))
    wait_until(lambda: failing.failed)
    assert first is not None
    first.ask(Drain(), timeout=10)  # one that died answers nobody


@pytest.mark.parametrize("error", AWAY)
def test_tasks_that_can_not_be_counted_are_counted_later(
    still_world: World, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    still_world.start()
    counting = wait_until(lambda: still_world.service.directory.find(CENSUS))
    failing = Failing(census.read_census, error("away"), times=2)
    monkeypatch.setattr(census, "read_census", failing)
    wait_until(lambda: advance(still_world, census.EVERY.total_seconds()) or failing.failed == 2)
    assert still_world.service.directory.find(CENSUS) is counting


def test_results_that_can_never_be_written_are_given_up_until_the_next_start_and_no_drain_waits_for_them(
    brisk_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = declines_unsettled(brisk_world, monkeypatch, psycopg.DataError("a value that no column takes"))
    brisk_world.wait_for_status("spring", "failed", 40)
    wait_until(brisk_world.service.results_are_written, 40, "its last calls to be given up")
    look_around(brisk_world)  # one that was under way may have had them started once more
    address = campaign_address(brisk_world.id("spring"))
    wait_until(lambda: brisk_world.service.results_are_written() and not brisk_world.service.directory.find(address))
    tried = failing.failed
    look_around(brisk_world)
    assert brisk_world.service.directory.find(address) is None and failing.failed == tried
    failing.end()
    brisk_world.stop()
    brisk_world.start()
    wait_until(lambda: brisk_world.calls("spring")[0]["state"] == "ended")
    brisk_world.check_ledger()


def look_around(world: World) -> None:
    """Returns when the Supervisor has done whatever the Roster wants of it."""
    for address, message in ((ROSTER, LookAround()), (SUPERVISOR, AreYouThere())):
        resident = world.service.directory.find(address)
        assert resident is not None
        resident.ask(message, timeout=10)
