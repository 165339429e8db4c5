"""Whoever starts next takes over what the last one left: no call is dialed twice, none is forgotten."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from actors.addresses import campaign_address, dialer_address, trunk_address
from actors.campaign.messages import CallsInDoubt, ServicesFailing
from actors.dialer import actor as dialer
from actors.ids import new_id
from actors.roster import leases
from actors.trunk import ledger as trunk_ledger
from actors.trunk.actor import LOOK_AGAIN
from supervisor.simulator import BUSY, Answer, Outage
from tests.failing import Failing
from tests.livekit_rooms import hang_up
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


@pytest.fixture
def full_trunk(still_world: World) -> World:
    """A process that has just started. Its trunk may carry one call, which is in progress since the last process: of a
    campaign that nobody works, and for as long as the lease is locked nobody can. Another campaign would call."""
    still_world.limit(trunk="max_concurrent_calls = 1")
    still_world.livekit.set_script({number: [Answer(ring_s=1, talk_s=100_000)] for number in NUMBERS})
    still_world.campaign("autumn", NUMBERS[:1])
    still_world.start()
    wait_until(lambda: [call["state"] for call in still_world.calls("autumn")] == ["answered"])
    still_world.stop()
    still_world.connection.execute("UPDATE supervisors SET heartbeat_at = heartbeat_at - interval '2 minutes'")
    still_world.connection.execute("BEGIN; SELECT FROM campaign_leases FOR UPDATE")
    still_world.campaign("spring", NUMBERS[1:2])
    still_world.start()
    campaign = wait_until(lambda: still_world.service.directory.find(campaign_address(still_world.id("spring"))))
    trunk = still_world.service.directory.find(trunk_address("main"))
    assert campaign is not None and trunk is not None
    for actor, message in ((campaign, CallsInDoubt()),) * 2 + ((trunk, ServicesFailing(frozenset(), frozenset())),):
        actor.ask(message, timeout=10)  # what the campaign wants is asked for, and if there is room, granted
    campaign.ask(CallsInDoubt(), timeout=10)  # and used
    assert still_world.calls("spring") == []
    return still_world


def advance_until_spring_is_called(world: World) -> None:
    def called() -> bool:
        world.advance(timedelta(seconds=1))
        return any(ring.number == NUMBERS[1] for ring in world.livekit.rings())

    wait_until(called)


def test_a_trunk_counts_the_calls_of_campaigns_that_nobody_works_yet(full_trunk: World) -> None:
    full_trunk.connection.execute("ROLLBACK")
    hang_up(full_trunk.livekit)
    advance_until_spring_is_called(full_trunk)


def test_a_trunk_forgets_the_calls_of_campaigns_that_another_process_works(full_trunk: World) -> None:
    other = new_id()
    leases.register(full_trunk.connection, leases.Supervisor(other, "there", 1, "1"))
    full_trunk.connection.execute(leases.APPEAR, (other,))
    full_trunk.connection.execute(
        "UPDATE campaign_leases SET supervisor_id = %s, epoch = epoch + 1, expires_at = now() + interval '1 hour'"
        " WHERE campaign_id = %s",
        (other, full_trunk.id("autumn")),
    )
    full_trunk.connection.execute("UPDATE calls SET state = 'ended', outcome = 'answered'")
    full_trunk.connection.execute("COMMIT")
    advance_until_spring_is_called(full_trunk)


def test_a_trunk_that_can_not_look_whether_they_have_ended_looks_again(
    full_trunk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process stood still in the middle of a look."""
    directory = full_trunk.service.directory
    first = directory.find(trunk_address("main"))
    failing = Failing(trunk_ledger.read_calls, psycopg.errors.IdleInTransactionSessionTimeout("too long"), times=2)
    monkeypatch.setattr(trunk_ledger, "read_calls", failing)

    def looked_again() -> bool:
        full_trunk.advance(LOOK_AGAIN)
        return failing.failed == 2

    wait_until(looked_again)
    assert directory.find(trunk_address("main")) is first
    full_trunk.connection.execute("ROLLBACK")
    hang_up(full_trunk.livekit)
    advance_until_spring_is_called(full_trunk)
