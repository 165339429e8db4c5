"""Whoever starts next takes over what the last one left: no call is dialed twice, none is forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actors.addresses import dialer_address
from actors.dialer import actor as dialer
from supervisor.simulator import BUSY, Answer, Outage
from tests.waiting import wait_until
from tests.world import World

NUMBERS = [f"+7945000{n:02d}{n:02d}" for n in range(20)]


def outcomes(world: World) -> list[str]:
    return [call["outcome"] for call in world.calls("spring")]


def test_calls_that_outlive_the_process_are_taken_over_by_the_next(fast_world: World) -> None:
    fast_world.campaign("spring", NUMBERS[:6], "[limits]\nmax_concurrent_calls = 3")
    fast_world.livekit.set_script({number: [Answer(ring_s=1, talk_s=500)] for number in NUMBERS[:3]})
    fast_world.start()
    wait_until(lambda: [call["state"] for call in fast_world.calls("spring")] == ["answered"] * 3)
    fast_world.stop()
    fast_world.start()
    wait_until(lambda: fast_world.service.calls_in_progress() == 3)
    assert fast_world.livekit.state()["calls_in_progress"] == 3  # nobody was hung up
    fast_world.wait_for_status("spring", "completed")
    assert set(outcomes(fast_world)) == {"answered"}
    assert fast_world.livekit.state()["max_calls_in_progress"] == 3
    fast_world.check_ledger()


def test_a_phone_that_rings_while_the_process_is_away_is_not_dialed_again(fast_world: World) -> None:
    fast_world.campaign("spring", NUMBERS[:3])
    fast_world.livekit.set_script({number: [Answer(ring_s=20, talk_s=500)] for number in NUMBERS})
    fast_world.start()
    wait_until(lambda: len(fast_world.livekit.rings()) == 3)
    fast_world.stop()
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    assert set(outcomes(fast_world)) == {"answered"}
    fast_world.check_ledger()


def test_a_call_that_ended_unseen_is_interrupted_and_its_contact_called_again_by_the_rules(fast_world: World) -> None:
    fast_world.campaign("spring", NUMBERS[:1], "[retry]\nretry_delay_minutes = 1")
    fast_world.livekit.set_script({NUMBERS[0]: [Answer(ring_s=5, talk_s=5), Answer(ring_s=1, talk_s=5)]})
    fast_world.start()
    wait_until(lambda: len(fast_world.livekit.rings()) == 1)
    fast_world.stop()
    wait_until(lambda: fast_world.livekit.state()["calls_in_progress"] == 0)
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    assert outcomes(fast_world) == ["interrupted", "answered"]
    fast_world.check_ledger()


def test_a_call_that_was_claimed_and_never_dialed_is_given_back(fast_world: World) -> None:
    fast_world.livekit.set_knobs(outages={"RoomService/CreateRoom": Outage("hang")})
    fast_world.campaign("spring", NUMBERS[:2])
    fast_world.start()
    wait_until(lambda: [task["attempt_count"] for task in fast_world.tasks("spring")] == [1, 1])
    fast_world.stop()
    fast_world.livekit.set_knobs(outages={})
    fast_world.livekit.set_script({number: [Answer(ring_s=1, talk_s=5)] for number in NUMBERS})
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    assert [task["attempt_count"] for task in fast_world.tasks("spring")] == [1, 1]
    states = sorted(call["state"] for call in fast_world.calls("spring"))
    assert states == ["ended", "ended", "given_back", "given_back"]
    fast_world.check_ledger()


def test_a_dialers_crash_is_followed_by_one_that_resumes_its_call(fast_world: World) -> None:
    fast_world.campaign("spring", NUMBERS[:2])
    fast_world.livekit.set_script(
        {NUMBERS[0]: [Answer(ring_s=1, talk_s=60)], NUMBERS[1]: [Answer(ring_s=15, talk_s=60)]}
    )
    fast_world.start()
    wait_until(lambda: {call["state"] for call in fast_world.calls("spring")} == {"answered", "dialing"})
    for call in fast_world.calls("spring"):
        fast_world.tell(dialer_address(call["id"]), "nonsense")
    fast_world.wait_for_status("spring", "completed")
    assert outcomes(fast_world) == ["answered", "answered"]
    fast_world.check_ledger()


def test_only_who_is_taken_over_with_many_others_is_looked_at_later(
    still_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dialer of a single call may have died of the very webhook that told it the end."""
    followed: list[int] = []

    def first_look_after(calls: int) -> timedelta:
        followed.append(calls)
        return timedelta(hours=1)

    monkeypatch.setattr(dialer, "first_look_after", first_look_after)
    still_world.campaign("spring", NUMBERS[:1])
    still_world.livekit.set_script({NUMBERS[0]: [Answer(ring_s=1, talk_s=100_000)]})
    still_world.start()
    (call,) = wait_until(lambda: [call for call in still_world.calls("spring") if call["state"] == "answered"])
    still_world.stop()
    still_world.start()
    wait_until(lambda: followed == [1])
    still_world.tell(dialer_address(call["id"]), "nonsense")
    wait_until(lambda: "RoomService/ListParticipants" in still_world.livekit.state()["requests"])
    assert followed == [1]


def test_limits_hold_across_a_restart(fast_world: World) -> None:
    fast_world.campaign("spring", NUMBERS[:10], "[limits]\ncalls_per_minute = 4\n[retry]\nretry_delay_minutes = 3")
    fast_world.livekit.set_script({number: [BUSY, Answer(ring_s=1, talk_s=1)] for number in NUMBERS})
    fast_world.start()
    for _ in range(3):
        begun = len(fast_world.livekit.rings())
        wait_until(lambda begun=begun: len(fast_world.livekit.rings()) > begun)  # type: ignore[misc]
        fast_world.stop()
        fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    begun_at = [call["dialing_at"] for call in fast_world.calls("spring") if call["dialing_at"]]
    minute = timedelta(seconds=60)
    assert max(sum(first <= at <= first + minute for at in begun_at) for first in begun_at) <= 4
    fast_world.check_ledger()
