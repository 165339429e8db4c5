"""A call that has to wait for long until it may begin rings nobody whose agent has been sent away meanwhile."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from actors.dialer import ledger
from actors.dialer.ledger import Mark
from actors.dialer.reminders import BEGIN_WITHIN
from supervisor.simulator import Answer
from tests.waiting import wait_until
from tests.world import World

NUMBER = "+79450000001"


@pytest.fixture
def full(still_world: World, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """While it is set, other processes use the trunk to the full; for so long a call waits that has its room."""
    mark_dialing, full, asked = ledger.mark_dialing, threading.Event(), threading.Event()

    def mark(*values: Any) -> Mark:
        asked.set()
        return Mark.TRUNK_FULL if full.is_set() else mark_dialing(*values)

    monkeypatch.setattr(ledger, "mark_dialing", mark)
    full.set()
    still_world.livekit.set_script({NUMBER: [Answer(ring_s=1, talk_s=20)]})
    still_world.campaign("spring", [NUMBER])
    still_world.start()
    assert asked.wait(30)
    return full


def states(world: World) -> list[str]:
    return [call["state"] for call in world.calls("spring")]


def is_called_in_another_room(world: World, full: threading.Event) -> None:
    """The first call was given back, and the next one is made as usual."""
    wait_until(lambda: states(world)[0] == "given_back")
    full.clear()
    wait_until(lambda: world.advance(timedelta(seconds=1)) or world.livekit.rings(), what="the next call")
    calls = world.calls("spring")
    assert [ring.room for ring in world.livekit.rings()] == [f"campaignd-{calls[-1]['id']}"]
    assert [call["counts"] for call in calls[:-1]] == [False] * (len(calls) - 1)
    world.check_ledger()


def test_whose_room_is_closed_meanwhile_is_called_in_another(still_world: World, full: threading.Event) -> None:
    """LiveKit closes rooms in which nobody is but an agent."""
    is_called_in_another_room(still_world, full)


def test_nor_is_the_first_room_used_when_its_end_was_not_heard_of(still_world: World, full: threading.Event) -> None:
    still_world.livekit.set_knobs(webhooks="never")
    still_world.advance(BEGIN_WITHIN)
    is_called_in_another_room(still_world, full)
