"""What nobody follows is found again: calls without a dialer, rooms without a call, the calls of a failed campaign."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

from actors.addresses import CALLS, campaign_address, dialer_address
from actors.call import room_name
from actors.dialer.reconciler import GRACE, PULSE
from actors.ids import new_id
from supervisor.simulator import Answer
from tests.livekit_rooms import make_room, rooms
from tests.waiting import wait_until
from tests.world import World

NUMBERS = [f"+7945000{n:02d}{n:02d}" for n in range(20)]
LONG = Answer(ring_s=1, talk_s=300)


def installation(world: World) -> str:
    """What this service writes into its rooms."""
    world.campaign("first", NUMBERS[:1])
    world.livekit.set_script({NUMBERS[0]: [Answer(ring_s=1, talk_s=100_000)]})
    world.start()
    wait_until(lambda: [call["state"] for call in world.calls("first")] == ["answered"])
    (room,) = rooms(world.livekit).values()
    found: str = json.loads(room.metadata)["campaignd_installation"]
    return found


def test_rooms_that_no_call_needs_are_deleted_after_a_grace_and_others_are_left_alone(still_world: World) -> None:
    ours = installation(still_world)
    (call,) = still_world.calls("first")
    stray, elsewhere, strange = room_name(new_id()), room_name(new_id()), "campaignd-of-someone"
    make_room(still_world.livekit, stray, json.dumps({"campaignd_installation": ours}))
    make_room(still_world.livekit, elsewhere, json.dumps({"campaignd_installation": "another"}))
    make_room(still_world.livekit, strange)
    still_world.advance(PULSE)
    still_world.advance(PULSE / 2)
    assert stray in rooms(still_world.livekit), "deleted before its grace was over"

    def deleted() -> bool:
        still_world.advance(PULSE)
        return stray not in rooms(still_world.livekit)

    wait_until(deleted)
    assert rooms(still_world.livekit).keys() == {room_name(call["id"]), elsewhere, strange}


def test_the_room_of_a_call_that_has_ended_is_deleted_even_if_it_comes_late(still_world: World) -> None:
    still_world.campaign("first", NUMBERS[:1])
    still_world.start()
    still_world.wait_for_status("first", "completed")
    (call,) = still_world.calls("first")
    wait_until(lambda: not rooms(still_world.livekit))
    make_room(still_world.livekit, room_name(call["id"]))

    def deleted() -> bool:
        still_world.advance(PULSE)
        return not rooms(still_world.livekit)

    wait_until(deleted)


def test_a_call_that_nobody_follows_is_followed_again(still_world: World) -> None:
    still_world.campaign("spring", NUMBERS[:1])
    still_world.livekit.set_script({NUMBERS[0]: [Answer(ring_s=1, talk_s=100_000)]})
    still_world.start()
    wait_until(lambda: [call["state"] for call in still_world.calls("spring")] == ["answered"])
    (call,) = still_world.calls("spring")
    address = dialer_address(call["id"])
    directory = still_world.service.directory
    first = directory.find(address)
    assert first is not None
    first.stop()
    wait_until(lambda: directory.find(address) is None, what="its dialer to be gone, unnoticed")
    still_world.advance(GRACE + PULSE)
    wait_until(lambda: directory.find(address) is not None, what="another dialer")
    assert still_world.livekit.state()["calls_in_progress"] == 1
    assert len(still_world.livekit.rings()) == 1


def test_campaigns_that_claim_while_calls_is_away_live_on_and_call_when_it_is_back(still_world: World) -> None:
    still_world.start()
    directory = still_world.service.directory
    wait_until(lambda: directory.tell(CALLS, "nonsense"))
    wait_until(lambda: directory.find(CALLS) is None)
    still_world.livekit.set_script({number: [Answer(ring_s=1, talk_s=80_000)] for number in NUMBERS})
    slugs = ("one", "two", "three")
    for number, slug in enumerate(slugs):
        still_world.campaign(slug, [NUMBERS[number]], "[call]\nmax_call_duration_s = 86400\nagent_timeout_s = 60")
    still_world.reload()
    wait_until(lambda: [call["state"] for slug in slugs for call in still_world.calls(slug)] == ["claimed"] * 3)
    actors = [directory.find(campaign_address(still_world.id(slug))) for slug in slugs]
    still_world.advance(timedelta(seconds=2))
    for slug, actor in zip(slugs, actors, strict=True):
        wait_until(lambda slug=slug: "answered" in [call["state"] for call in still_world.calls(slug)])  # type: ignore[misc]
        assert actor is not None and directory.find(campaign_address(still_world.id(slug))) is actor
        assert [task["attempt_count"] for task in still_world.tasks(slug)] == [1]
    still_world.check_ledger()


def break_settings(world: World, campaign_id: UUID) -> None:
    """Its row says from now on what makes no sense: its actor can't live with it."""
    world.connection.execute(
        "UPDATE campaigns SET timezone = 'Nowhere/Nowhere', updated_at = updated_at + interval '1 second'"
        " WHERE id = %s",
        (campaign_id,),
    )


def test_a_campaign_that_keeps_crashing_fails_its_calls_end_and_are_settled_and_nobody_else_notices(
    brisk_world: World,
) -> None:
    brisk_world.limit(trunk="max_concurrent_calls = 3")
    brisk_world.campaign("bad", NUMBERS[:3])
    brisk_world.livekit.set_script({number: [LONG] for number in NUMBERS[:3]})
    brisk_world.start()
    wait_until(lambda: [call["state"] for call in brisk_world.calls("bad")] == ["answered"] * 3)
    break_settings(brisk_world, brisk_world.id("bad"))
    brisk_world.wait_for_status("bad", "failed", timeout_s=40)
    row = brisk_world.row("bad")
    assert row["status_message"] == "Failed: its actor could not be kept alive"
    assert "Unknown time zone" in row["status_error"]
    wait_until(lambda: {call["state"] for call in brisk_world.calls("bad")} == {"ended"})
    assert len(brisk_world.livekit.rings()) == 3, "somebody was called again"
    assert [task["status"] for task in brisk_world.tasks("bad")] == ["completed"] * 3
    brisk_world.check_ledger()
    address = campaign_address(brisk_world.id("bad"))
    wait_until(lambda: brisk_world.service.directory.find(address) is None, what="its last actor to leave")


def test_calls_of_a_failed_campaign_are_settled_by_the_next_process_too(fast_world: World) -> None:
    fast_world.campaign("bad", NUMBERS[:2])
    fast_world.livekit.set_script({number: [LONG] for number in NUMBERS[:2]})
    fast_world.start()
    wait_until(lambda: [call["state"] for call in fast_world.calls("bad")] == ["answered"] * 2)
    fast_world.stop()
    fast_world.connection.execute("UPDATE campaigns SET status = 'failed'")
    fast_world.start()
    wait_until(lambda: {call["state"] for call in fast_world.calls("bad")} == {"ended"})
    assert {call["outcome"] for call in fast_world.calls("bad")} <= {"answered", "interrupted"}
    assert len(fast_world.livekit.rings()) == 2
    fast_world.check_ledger()


def test_a_result_that_calls_still_holds_is_asked_for_again(still_world: World) -> None:
    """Its dialer is gone, its campaign was not told: the Reconciler has the campaign ask."""
    still_world.campaign("spring", NUMBERS[:1])
    still_world.start()
    campaign = wait_until(lambda: still_world.service.directory.find(campaign_address(still_world.id("spring"))))
    directory, address = still_world.service.directory, campaign_address(still_world.id("spring"))
    wait_until(lambda: len(still_world.livekit.rings()) == 1)
    directory.leave(address)  # as for the moment in which a crashed actor has no successor yet
    assert campaign is not None
    (call,) = still_world.calls("spring")
    wait_until(lambda: directory.find(dialer_address(call["id"])) is None, what="the call's end")
    directory.enter(address, campaign)
    still_world.advance(GRACE + PULSE)
    still_world.wait_for_status("spring", "completed")
    assert [task["outcome"] for task in still_world.tasks("spring")] == ["answered"]
