"""A service that drains lets calls go on and begins none: nobody's phone rings any more, however far their call was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from actors.addresses import SUPERVISOR, campaign_address, dialer_address, trunk_address
from actors.campaign.reminders import MayDial
from actors.dialer import ledger
from actors.dialer.ledger import Mark
from actors.dialer.messages import RoomReady
from actors.trunk.actor import RoomAgain
from supervisor.simulator import Answer, Outage
from supervisor.tree.supervisor import AreYouThere
from tests.waiting import wait_until
from tests.world import World

NUMBERS = [f"+7945000{n:02d}{n:02d}" for n in range(3)]
SECOND = timedelta(seconds=1)
TALKS_ON = Answer(ring_s=1, talk_s=80_000)
AS_LONG_AS_THEY_LIKE = "[call]\nmax_call_duration_s = 86400\nagent_timeout_s = 60"


def test_who_waits_for_the_trunks_next_window_is_not_called(still_world: World) -> None:
    still_world.limit(trunk="calls_per_second = 1")
    still_world.livekit.set_script({number: [TALKS_ON] for number in NUMBERS})
    still_world.campaign("spring", NUMBERS, AS_LONG_AS_THEY_LIKE)
    still_world.start()
    wait_until(lambda: states(still_world) == ["answered"])
    still_world.advance(SECOND * 0.9)
    wait_until(lambda: states(still_world) == ["answered", "claimed"])
    still_world.service.begin_nothing_new()
    wait_until(lambda: states(still_world) == ["answered", "given_back"])
    still_world.advance(10 * SECOND)
    directory = still_world.service.directory
    campaign, trunk = directory.find(campaign_address(still_world.id("spring"))), directory.find(trunk_address("main"))
    assert campaign is not None and trunk is not None
    for actor, reminder in ((campaign, MayDial()),) * 2 + ((trunk, RoomAgain()),):
        actor.ask(reminder, timeout=10)  # who could be called is asked for, and if there is room, granted
    campaign.ask(MayDial(), timeout=10)  # and claimed
    assert states(still_world) == ["answered", "given_back"]
    nobody_else_was_called(still_world)


def test_nor_is_one_whose_trunk_other_processes_use_to_the_full(
    brisk_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    brisk_world.livekit.set_script({NUMBERS[0]: [TALKS_ON]})
    brisk_world.campaign("spring", NUMBERS, AS_LONG_AS_THEY_LIKE, priorities=[1, 0, 0])
    mark_dialing = ledger.mark_dialing

    def full_but_for_one(*values: Any) -> Mark:
        return mark_dialing(*values) if values[1].phone_number == NUMBERS[0] else Mark.TRUNK_FULL

    monkeypatch.setattr(ledger, "mark_dialing", full_but_for_one)
    brisk_world.start()
    wait_until(lambda: states(brisk_world) == ["answered", "claimed", "claimed"])
    brisk_world.service.begin_nothing_new()
    wait_until(lambda: states(brisk_world) == ["answered", "given_back", "given_back"])
    nobody_else_was_called(brisk_world)


def test_nor_is_one_whose_room_is_ready_only_then(still_world: World) -> None:
    still_world.livekit.set_knobs(outages={"RoomService/CreateRoom": Outage("hang")})
    still_world.campaign("spring", NUMBERS)
    still_world.start()
    wait_until(lambda: still_world.service.calls_in_progress() == 3)
    still_world.service.begin_nothing_new()
    supervisor = still_world.service.directory.find(SUPERVISOR)
    assert supervisor is not None
    supervisor.ask(AreYouThere(), timeout=10)  # answered once it has told everybody
    for call in still_world.calls("spring"):
        still_world.tell(dialer_address(call["id"]), RoomReady())
    assert still_world.service.drain(20, hurry=still_world.service.failed) == 0
    wait_until(lambda: states(still_world) == ["given_back"] * 3)
    assert still_world.livekit.rings() == []
    assert [task["attempt_count"] for task in still_world.tasks("spring")] == [0] * 3


def states(world: World) -> list[str]:
    return [call["state"] for call in world.calls("spring")]


def nobody_else_was_called(world: World) -> None:
    assert len(world.livekit.rings()) == 1
    assert sorted(task["attempt_count"] for task in world.tasks("spring")) == [0, 0, 1]
    world.check_ledger()
