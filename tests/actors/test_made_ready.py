"""A call that is ready before there is a slot for it breaks no limit, and nobody is called who must not be by then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from actors.addresses import campaign_address, trunk_address
from actors.campaign.ahead import LONGEST_WAIT
from actors.campaign.messages import HandOver, ServicesFailing, SettingsChanged
from actors.roster import statuses
from actors.services import LIVEKIT, trunk_service
from actors.supervision import Drain
from supervisor.simulator import Answer
from tests.livekit_rooms import hang_up, rooms
from tests.waiting import wait_until
from tests.world import TUESDAY, World

SLOTS, AHEAD, QUICKLY_OVER = 20, 2, 40
NUMBERS = [f"+7945100{number:04d}" for number in range(200)]
TOLERANT = "max_abandon_rate = 1"  # of agents that a busy machine keeps from joining in time
LIMIT = f"[limits]\nmax_concurrent_calls = {SLOTS}\n{TOLERANT}"


@pytest.fixture
def waiting_world(still_world: World) -> World:
    """After a number of quick calls every slot is in use, by people who talk and talk, and two more calls are ready."""
    begin(still_world)
    wait_until(lambda: len(waiting(still_world)) == AHEAD, what="two calls to wait")
    return still_world


def begin(world: World, settings: str = LIMIT) -> None:
    world.campaign("spring", NUMBERS, settings)
    world.livekit.set_knobs(agent_join_s=0, callee_patience_s=100_000)
    world.livekit.set_script(
        {
            number: [Answer(ring_s=0, talk_s=50 if place < QUICKLY_OVER else 1_000_000)]
            for place, number in enumerate(NUMBERS)
        }
    )
    world.start()
    wait_until(lambda: rings(world) >= QUICKLY_OVER + SLOTS, 30, "every slot to be in use for long")


def waiting(world: World) -> list[dict[str, Any]]:
    """Calls that are claimed, and have their room."""
    made = rooms(world.livekit)
    return [call for call in world.calls("spring") if call["state"] == "claimed" and f"campaignd-{call['id']}" in made]


def rings(world: World) -> int:
    return len(world.livekit.rings())


def most_at_once(world: World) -> int:
    most: int = world.livekit.state()["max_calls_in_progress"]
    return most


def ended(world: World) -> list[dict[str, Any]]:
    return [call for call in world.calls("spring") if call["state"] == "ended"]


def given_back(world: World) -> None:
    """Wait until nobody waits any more, and see that it has cost nobody anything."""
    wait_until(lambda: not [call for call in world.calls("spring") if call["state"] == "claimed"], what="the return")
    back = [call for call in world.calls("spring") if call["state"] == "given_back"]
    assert len(back) >= AHEAD and not any(call["counts"] or call["dialing_at"] for call in back)
    tasks = {task["id"]: task for task in world.tasks("spring")}
    assert {(tasks[call["task_id"]]["status"], tasks[call["task_id"]]["attempt_count"]) for call in back} == {
        ("pending", 0)
    }
    wait_until(lambda: not {f"campaignd-{call['id']}" for call in back} & rooms(world.livekit).keys())


def test_who_waits_begins_when_a_slot_is_free_and_not_before(waiting_world: World) -> None:
    calls = {f"campaignd-{call['id']}" for call in waiting(waiting_world)}
    assert rings(waiting_world) == QUICKLY_OVER + SLOTS and most_at_once(waiting_world) == SLOTS
    hang_up(waiting_world.livekit)
    wait_until(lambda: rings(waiting_world) == QUICKLY_OVER + SLOTS + 1)
    assert waiting_world.livekit.rings()[-1].room in calls
    wait_until(lambda: len(waiting(waiting_world)) == AHEAD, what="another one to be made ready")
    hang_up(waiting_world.livekit, 10)
    wait_until(lambda: rings(waiting_world) == QUICKLY_OVER + SLOTS + 11)
    assert most_at_once(waiting_world) == SLOTS
    waiting_world.check_ledger()


def test_nobody_waits_for_long(waiting_world: World) -> None:
    waiting_world.advance(LONGEST_WAIT)
    given_back(waiting_world)
    assert most_at_once(waiting_world) == SLOTS


def pause(world: World) -> None:
    statuses.pause(world.connection, world.id("spring"), TUESDAY, "lunch")


def crash(world: World) -> None:
    address = campaign_address(world.id("spring"))
    first = world.service.directory.find(address)
    world.tell(address, "nonsense")

    def another() -> bool:
        world.advance(timedelta(seconds=0.5))
        return world.service.directory.find(address) not in (None, first)

    wait_until(another, what="the campaign's next actor")


def tell(message: object) -> Callable[[World], None]:
    return lambda world: world.tell(campaign_address(world.id("spring")), message)


@pytest.mark.parametrize(
    "happens",
    [
        pause,
        tell(Drain()),
        tell(HandOver(wanted=True)),
        tell(ServicesFailing(frozenset({LIVEKIT}), frozenset())),
        crash,
        World.stop,
    ],
    ids=["pause", "drain", "hand over", "breaker", "crash", "stop"],
)
def test_who_waits_is_given_back_when_nobody_may_begin(waiting_world: World, happens: Callable[[World], None]) -> None:
    before = rings(waiting_world)
    happens(waiting_world)
    if happens is World.stop:
        pause(waiting_world)  # else others are called as soon as it is there again
        waiting_world.start()
    else:
        waiting_world.advance(timedelta(seconds=3))  # they ask again, if nobody tells them
    given_back(waiting_world)
    assert (rings(waiting_world), most_at_once(waiting_world)) == (before, SLOTS)
    waiting_world.check_ledger()


def test_who_waits_when_the_window_closes_is_not_called(still_world: World) -> None:
    begin(still_world, f'{LIMIT}\n[schedule]\ndaily_start_time = "08:00"\ndaily_end_time = "18:00"')
    wait_until(lambda: len(waiting(still_world)) == AHEAD)
    still_world.advance(timedelta(hours=10))
    given_back(still_world)
    assert rings(still_world) == QUICKLY_OVER + SLOTS


def test_who_waits_and_has_come_onto_do_not_call_is_not_called(waiting_world: World) -> None:
    before = waiting(waiting_world)
    waiting_world.connection.execute(
        "INSERT INTO do_not_call (id, phone_number, created_at)"
        " SELECT gen_random_uuid(), number, now() FROM unnest(%s::text[]) AS number",
        ([call["phone_number"] for call in before],),
    )
    hang_up(waiting_world.livekit, AHEAD)
    wait_until(lambda: rings(waiting_world) == QUICKLY_OVER + SLOTS + AHEAD, what="others to be called instead")
    forbidden = {call["phone_number"] for call in before}
    assert not forbidden & {ring.number for ring in waiting_world.livekit.rings()}
    wait_until(
        lambda: {t["status"] for t in waiting_world.tasks("spring") if t["phone_number"] in forbidden} == {"failed"}
    )


def test_who_waits_for_a_trunk_that_fails_is_not_called_through_it_when_the_campaign_has_another(
    still_world: World,
) -> None:
    still_world.another_trunk("spare")
    begin(still_world)
    wait_until(lambda: len(waiting(still_world)) == AHEAD)
    before = {call["id"] for call in waiting(still_world)}
    still_world.connection.execute("UPDATE campaigns SET trunk = 'spare'")
    campaign = still_world.service.directory.find(campaign_address(still_world.id("spring")))
    assert campaign is not None
    campaign.ask(SettingsChanged(), timeout=10)  # answered once it has the other trunk
    still_world.tell(trunk_address("main"), ServicesFailing(frozenset({trunk_service("main")}), frozenset()))
    hang_up(still_world.livekit)

    def states() -> set[str]:
        return {call["state"] for call in still_world.calls("spring") if call["id"] in before}

    wait_until(lambda: states() == {"given_back"})
    wait_until(lambda: rings(still_world) == QUICKLY_OVER + SLOTS + 1, what="somebody to be called through the other")


def test_a_limit_that_is_lowered_holds_for_those_who_wait(waiting_world: World) -> None:
    waiting_world.campaign("spring", NUMBERS, f"[limits]\nmax_concurrent_calls = {SLOTS - 5}\n{TOLERANT}")
    waiting_world.reload()
    campaign = waiting_world.service.directory.find(campaign_address(waiting_world.id("spring")))
    assert campaign is not None
    campaign.ask(SettingsChanged(), timeout=10)  # answered once it goes by the new limit
    hang_up(waiting_world.livekit, 5)
    wait_until(lambda: len(ended(waiting_world)) == QUICKLY_OVER + 5)  # else they would be ends of a moment ago
    waiting_world.advance(LONGEST_WAIT)
    given_back(waiting_world)
    assert rings(waiting_world) == QUICKLY_OVER + SLOTS


@pytest.mark.parametrize(
    ("trunk", "company"), [(SLOTS, None), (None, 2 * SLOTS)], ids=["a trunk that is full", "a company with a limit"]
)
def test_nobody_is_kept_waiting_by_who_waits(still_world: World, trunk: int | None, company: int | None) -> None:
    still_world.limit(
        trunk=f"max_concurrent_calls = {trunk}" if trunk else "",
        company=f"max_concurrent_calls = {company}" if company else "",
    )
    begin(still_world)
    hang_up(still_world.livekit)
    wait_until(lambda: rings(still_world) == QUICKLY_OVER + SLOTS + 1)
    assert not [call for call in still_world.calls("spring") if call["state"] == "claimed"]
    assert most_at_once(still_world) == SLOTS
