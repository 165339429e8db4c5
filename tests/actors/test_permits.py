"""Permits are never lost, nor granted twice: one that nobody uses or returns narrows its trunk for everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from actors.addresses import BREAKERS, ROSTER, SUPERVISOR, Address, campaign_address, dialer_address, trunk_address
from actors.breakers.ledger import others_are_there
from actors.breakers.messages import ProbeReturned, ProbeWanted, WhatFails
from actors.campaign import ledger
from actors.campaign.last_calls import LastCalls
from actors.campaign.ledger import CampaignRow, Claim
from actors.campaign.messages import CalleeLeft, PermitsGranted, ProbeOffered, ServicesFailing, SettingsChanged
from actors.dialer.messages import Begin, DoNotBegin, RoomReady
from actors.ids import new_id
from actors.roster import leases, statuses
from actors.roster.messages import LookAround
from actors.services import LIVEKIT
from actors.supervision import StopChild
from actors.trunk.actor import LOOK_AGAIN
from actors.trunk.messages import PermitsKept, PermitsReturned, PermitsWanted, ProbeDeclined, ReadyToBegin, SlotGiven
from supervisor.simulator import Answer, Outage
from tests.livekit_rooms import hang_up
from tests.tree.people import Registrar
from tests.waiting import wait_until
from tests.world import TUESDAY, World

NUMBERS = [f"+7945000{n:02d}{n:02d}" for n in range(4)]


def test_a_campaign_that_stops_gives_up_its_permits_also_those_behind_its_stop(still_world: World) -> None:
    campaign_id = closed_campaign(still_world, "")
    with in_place_of(still_world, trunk_address("main")) as told:
        still_world.tell(SUPERVISOR, StopChild(campaign_address(campaign_id)))
        wait_until(lambda: PermitsKept(campaign_id, ()) in told.told)


def test_permits_of_a_campaign_that_could_not_be_kept_alive_are_for_others(
    brisk_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_whoever_claims(brisk_world, monkeypatch)
    brisk_world.wait_for_status("bad", "failed", timeout_s=40)
    others_are_called(brisk_world)


def test_permits_of_a_campaign_that_another_process_has_taken_over_from_a_dead_actor_are_for_others(
    brisk_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next actor finds the lease lost, and does not know what the one before it was permitted."""
    kill_whoever_claims(brisk_world, monkeypatch)
    brisk_world.connection.execute("UPDATE campaign_leases SET supervisor_id = NULL, epoch = epoch + 1")
    others_are_called(brisk_world)


def test_a_campaign_does_not_want_again_what_is_on_its_way(still_world: World) -> None:
    campaign_id = closed_campaign(still_world, "[limits]\nmax_concurrent_calls = 2")
    with in_place_of(still_world, trunk_address("main")) as told:

        def wanted() -> list[tuple[int, bool]]:
            return [(each.calls, each.anew) for each in told.told if isinstance(each, PermitsWanted)]

        still_world.advance(timedelta(hours=9))
        wait_until(lambda: (2, True) in wanted())
        generation = next(each.generation for each in told.told if isinstance(each, PermitsWanted))
        first = new_id()
        still_world.tell(campaign_address(campaign_id), PermitsGranted("main", (first,), generation, ahead=False))
        wait_until(lambda: [call["id"] for call in still_world.calls("spring")] == [first])
        still_world.tell(campaign_address(campaign_id), CalleeLeft(first, 0.0))
        wait_until(lambda: (1, False) in wanted())


def test_a_trunk_that_could_grant_nothing_grants_all_that_was_wanted_meanwhile_and_no_more(still_world: World) -> None:
    campaign_id = closed_campaign(still_world, "")
    with in_place_of(still_world, campaign_address(campaign_id)) as told:
        trunk = trunk_address("main")
        still_world.tell(trunk, ServicesFailing(frozenset({LIVEKIT}), frozenset()))
        for calls, anew in ((5, True), (2, True), (2, False), (-1, False)):
            still_world.tell(trunk, PermitsWanted(campaign_id, 1, calls, 0, anew))
        still_world.tell(trunk, ServicesFailing(frozenset(), frozenset()))
        still_world.tell(trunk, PermitsWanted(campaign_id, 1, 1, 0, False))

        def granted() -> list[int]:
            return [len(each.call_ids) for each in told.told if isinstance(each, PermitsGranted)]

        wait_until(lambda: granted() == [3, 1])


def test_a_call_that_is_over_when_its_slot_is_told_takes_none(still_world: World) -> None:
    """Its campaign gave it a slot just then: the trunk must not count for ever what nobody will end."""
    still_world.limit(trunk="max_concurrent_calls = 1")
    campaign_id = closed_campaign(still_world, "")
    trunk = trunk_address("main")
    with in_place_of(still_world, campaign_address(campaign_id)) as told:

        def granted() -> list[UUID]:
            return [each.call_ids[0] for each in told.told if isinstance(each, PermitsGranted)]

        still_world.tell(trunk, PermitsWanted(campaign_id, 1, 2, 0, anew=True))
        (over,) = wait_until(granted)
        still_world.tell(trunk, PermitsReturned((over,)))
        still_world.tell(trunk, SlotGiven(over, frozenset()))
        _, up = wait_until(lambda: granted() if len(granted()) == 2 else None)
        with in_place_of(still_world, dialer_address(up)) as dialer:
            still_world.tell(trunk, SlotGiven(up, frozenset()))
            wait_until(lambda: [type(each) for each in dialer.told] == [Begin])
        still_world.tell(trunk, PermitsReturned((up,)))
        still_world.tell(trunk, PermitsWanted(campaign_id, 1, 1, 0, anew=True))
        wait_until(lambda: len(granted()) == 3)


def cancel(world: World, slug: str) -> None:
    statuses.cancel(world.connection, world.id(slug), TUESDAY, "not any more")


def lose(world: World, slug: str) -> None:
    """Another supervisor, that is there, works it from now on, and its actor here knows."""
    other = new_id()
    leases.register(world.connection, leases.Supervisor(other, "there", 1, "1"))
    world.connection.execute(leases.APPEAR, (other,))
    world.connection.execute(
        "UPDATE campaign_leases SET supervisor_id = %s, epoch = epoch + 1 WHERE campaign_id = %s",
        (other, world.id(slug)),
    )
    knows_of_it(world, slug)


def knows_of_it(world: World, slug: str) -> None:
    """Its actor has begun, and what it says at its start is said; and it has read its row anew."""
    campaign = wait_until(lambda: world.service.directory.find(campaign_address(world.id(slug))))
    assert campaign is not None
    campaign.ask(SettingsChanged(), timeout=10)


@pytest.mark.parametrize("happens", [cancel, lose])
def test_a_call_that_its_campaign_may_not_begin_any_more_leaves_its_room_to_others(
    still_world: World, happens: Callable[[World, str], None]
) -> None:
    still_world.limit(trunk="max_concurrent_calls = 1")
    still_world.livekit.set_knobs(outages={"RoomService/CreateRoom": Outage("hang", times=1)})
    slugs = ("spring", "autumn")
    for slug, number in zip(slugs, ("+79450000001", "+79450000002"), strict=True):
        still_world.campaign(slug, [number])
    still_world.start()
    first = wait_until(lambda: next((slug for slug in slugs if still_world.calls(slug)), None))
    dialer = dialer_address(still_world.calls(first)[0]["id"])
    wait_until(lambda: still_world.service.directory.find(dialer))
    happens(still_world, first)
    still_world.tell(dialer, RoomReady())
    (other,) = {*slugs} - {first}
    wait_until(lambda: still_world.calls(other), what="the other campaign to get the only slot")
    assert [call["dialing_at"] for call in still_world.calls(first)] == [None]


def fails(world: World) -> None:
    """Only its last calls are left."""
    cancel(world, "spring")
    address = campaign_address(world.id("spring"))

    def only_last_calls() -> bool:
        resident = world.service.directory.find(address)
        return resident is not None and resident.actor_class is LastCalls

    wait_until(only_last_calls)
    knows_of_it(world, "spring")


def is_lost(world: World) -> None:
    """And its actor still there: the Roster, whom it tells, would have it stopped."""
    with in_place_of(world, ROSTER) as told:
        lose(world, "spring")
    assert LookAround() in told.told


@pytest.mark.parametrize("happens", [fails, is_lost])
def test_a_probe_that_is_offered_to_who_may_not_call_is_another_campaigns_or_nobodys(
    still_world: World, happens: Callable[[World], None]
) -> None:
    a_long_call(still_world, NUMBERS[:1])
    happens(still_world)
    assert probe_that_comes_back(still_world).shut


def outside_its_hours(world: World) -> None:
    closed_campaign(world, "")


def paused_within_its_hours(world: World) -> None:
    campaign_id = closed_campaign(world, "")
    statuses.pause(world.connection, campaign_id, TUESDAY, "operator anna")
    knows_of_it(world, "spring")
    world.advance(timedelta(hours=9))


def without_campaigns(world: World) -> None:
    """And whoever says that it has begun has been heard: in the breakers' place that would be lost."""
    world.start()
    for address, nothing in (
        (trunk_address("main"), PermitsReturned(())),
        (BREAKERS, WhatFails(dialer_address(new_id()))),
    ):
        actor = world.service.directory.find(address)
        assert actor is not None
        actor.ask(nothing, timeout=10)


def at_its_limit(world: World) -> None:
    a_long_call(world, NUMBERS[:2], "[limits]\nmax_concurrent_calls = 1\n")


def with_nobody_due(world: World) -> None:
    a_long_call(world, NUMBERS[:1])


def on_a_full_trunk(world: World) -> None:
    world.limit(trunk="max_concurrent_calls = 1")
    a_long_call(world, NUMBERS[:2])


@pytest.mark.parametrize(
    ("campaign", "shut"),
    [(outside_its_hours, True), (paused_within_its_hours, True), (without_campaigns, True),
     (at_its_limit, False), (with_nobody_due, False), (on_a_full_trunk, False)],
)  # fmt: skip
def test_a_probe_comes_back_with_whether_nobody_may_be_called_now(
    still_world: World, campaign: Callable[[World], None], shut: bool
) -> None:
    """Whom only limits and delays keep is called soon: there an outage that lasts is in the way."""
    campaign(still_world)
    assert probe_that_comes_back(still_world).shut is shut


def test_a_probe_that_died_with_the_campaign_it_was_offered_to_is_anothers(still_world: World) -> None:
    campaign_id, another = closed_campaign(still_world, ""), new_id()
    trunk = trunk_address("main")
    with (
        in_place_of(still_world, campaign_address(campaign_id)) as one,
        in_place_of(still_world, campaign_address(another)) as other,
    ):
        asked = {campaign_id: one, another: other}

        def offered() -> set[UUID]:
            return {each for each, told in asked.items() if any(isinstance(said, ProbeOffered) for said in told.told)}

        still_world.tell(trunk, ProbeWanted(LIVEKIT, 1, TUESDAY + timedelta(minutes=3)))
        (first,) = wait_until(offered)
        still_world.tell(trunk, PermitsKept(first, ()))  # as its next actor says
        wait_until(lambda: offered() == set(asked))
        (second,) = [said for said in asked[({*asked} - {first}).pop()].told if isinstance(said, ProbeOffered)]
        with in_place_of(still_world, BREAKERS) as told:
            still_world.tell(trunk, ProbeDeclined(second.call_id, shut=True))
            wait_until(lambda: ProbeReturned(LIVEKIT, 1, shut=False) in told.told, what="the first may call yet")


def test_a_call_that_ended_while_its_campaign_was_down_leaves_its_room_to_others(still_world: World) -> None:
    call_id = the_only_call(still_world)
    directory, campaign = still_world.service.directory, campaign_address(still_world.id("spring"))
    still_world.tell(campaign, "nonsense")
    wait_until(lambda: directory.find(campaign) is None, what="the campaign's crash")
    wait_until(lambda: directory.find(dialer_address(call_id)) is None, what="the call's end")
    still_world.advance(timedelta(seconds=2))
    wait_until(lambda: len(still_world.livekit.rings()) == 2, what="the next one to be called")


def test_a_call_that_ended_while_its_trunk_was_down_leaves_its_room_to_others(still_world: World) -> None:
    """It is settled only when the next one has read which calls are in progress."""
    call_id = the_only_call(still_world)
    directory, trunk = still_world.service.directory, trunk_address("main")
    still_world.tell(trunk, "nonsense")
    wait_until(lambda: directory.find(trunk) is None, what="the trunk's crash")
    still_world.connection.execute("BEGIN; SELECT FROM campaign_leases FOR UPDATE")
    wait_until(lambda: directory.find(dialer_address(call_id)) is None, what="the call's end")
    still_world.advance(timedelta(seconds=2))
    next_trunk = wait_until(lambda: directory.find(trunk))
    assert next_trunk is not None
    next_trunk.ask(PermitsReturned(()), timeout=10)  # answered once it has read
    still_world.connection.execute("ROLLBACK")
    wait_until(lambda: still_world.calls("spring")[0]["state"] == "ended")
    still_world.advance(LOOK_AGAIN)
    wait_until(lambda: len(still_world.livekit.rings()) == 2, what="the next one to be called")


def test_a_call_whose_end_its_campaign_hears_of_when_it_has_another_trunk_leaves_its_room_to_others(
    still_world: World,
) -> None:
    call_id = the_only_call(still_world, another_trunk="spare")
    directory, trunk = still_world.service.directory, trunk_address("main")
    still_world.connection.execute("BEGIN; UPDATE campaigns SET trunk = 'spare'")
    still_world.connection.execute("LOCK TABLE skillbases IN ACCESS EXCLUSIVE MODE")
    still_world.tell(campaign_address(still_world.id("spring")), SettingsChanged())  # it reads, and waits for the lock
    hang_up(still_world.livekit)
    wait_until(lambda: directory.find(dialer_address(call_id)) is None, what="the call's end")
    still_world.connection.execute("COMMIT")
    wait_until(lambda: [call["trunk"] for call in still_world.calls("spring")] == ["main", "spare"])
    other = new_id()
    with in_place_of(still_world, campaign_address(other)) as told:
        resident = directory.find(trunk)
        assert resident is not None
        resident.ask(PermitsWanted(other, 1, 1, 0, anew=True), timeout=10)
        assert [type(each) for each in told.told] == [PermitsGranted]


def test_a_call_that_is_ready_when_its_trunk_learns_of_others_in_progress_does_not_begin(still_world: World) -> None:
    """Their campaign has come from another process."""
    still_world.limit(trunk="max_concurrent_calls = 1")
    campaign_id = closed_campaign(still_world, "")
    trunk = trunk_address("main")
    with in_place_of(still_world, campaign_address(campaign_id)) as told:
        still_world.tell(trunk, PermitsWanted(campaign_id, 1, 1, 0, anew=True))
        (granted,) = wait_until(lambda: [each for each in told.told if isinstance(each, PermitsGranted)])
        (ready,) = granted.call_ids
        still_world.tell(trunk, PermitsKept(new_id(), ((new_id(), TUESDAY),)))
        with in_place_of(still_world, dialer_address(ready)) as dialer:
            still_world.tell(trunk, ReadyToBegin(ready, frozenset()))
            wait_until(lambda: dialer.told)
            assert dialer.told == [DoNotBegin()]


def test_who_shares_a_trunk_hears_of_the_other_process_however_long_its_leases_are(still_world: World) -> None:
    still_world.start()
    roster = wait_until(lambda: still_world.service.directory.find(ROSTER))
    assert roster is not None
    roster.ask(LookAround(), timeout=10)  # answered after the look with which it starts
    still_world.connection.execute("UPDATE supervisors SET heartbeat_at = clock_timestamp() - interval '1 minute'")
    assert not others_are_there(still_world.connection, new_id())
    still_world.advance(timedelta(seconds=20))
    wait_until(lambda: others_are_there(still_world.connection, new_id()))


def test_who_died_is_forgotten_by_whoever_has_heard_nothing_of_it_for_long_and_by_who_starts(
    still_world: World,
) -> None:
    """Not by one that PostgreSQL was away from itself: they may be there, and dial through the same trunk."""

    def registered() -> set[UUID]:
        return {row["id"] for row in still_world.read("SELECT id FROM supervisors")}

    def is_silent(supervisor: UUID) -> UUID:
        leases.register(still_world.connection, leases.Supervisor(supervisor, "there", 1, "1"))
        still_world.connection.execute(
            "UPDATE supervisors SET heartbeat_at = heartbeat_at - %s WHERE id = %s",
            (leases.FORGOTTEN_AFTER, supervisor),
        )
        return supervisor

    before, meanwhile = is_silent(new_id()), new_id()
    still_world.start()
    directory = still_world.service.directory
    wait_until(lambda: registered() and before not in registered())
    wait_until(lambda: directory.find(ROSTER))
    still_world.tell(ROSTER, "nonsense")
    wait_until(lambda: directory.find(ROSTER) is None, what="the Roster's crash")
    is_silent(meanwhile)
    still_world.advance(timedelta(seconds=2))
    roster = wait_until(lambda: directory.find(ROSTER))
    assert roster is not None
    roster.ask(LookAround(), timeout=10)
    assert meanwhile in registered()
    still_world.advance(leases.FORGOTTEN_AFTER)
    wait_until(lambda: meanwhile not in registered())
    assert len(registered()) == 1, "this one has been heard of"


def a_long_call(world: World, numbers: list[str], limits: str = "") -> None:
    """One of these talks, as long as a test may take; the others wait."""
    world.livekit.set_script({number: [Answer(ring_s=1, talk_s=80_000)] for number in numbers})
    world.campaign("spring", numbers, limits + "[call]\nmax_call_duration_s = 86400")
    world.start()
    wait_until(lambda: [call["state"] for call in world.calls("spring")] == ["answered"])


def probe_that_comes_back(world: World) -> ProbeReturned:
    """What the breakers are told that want one, of a trunk through which nobody can be called."""
    with in_place_of(world, BREAKERS) as told:
        world.tell(trunk_address("main"), ProbeWanted(LIVEKIT, 1, world.clock.now() + timedelta(minutes=3)))
        (returned,) = wait_until(lambda: [each for each in told.told if isinstance(each, ProbeReturned)])
    return returned


def the_only_call(world: World, another_trunk: str | None = None) -> UUID:
    """Somebody talks, and another waits to be called, on a trunk that has room for one."""
    world.limit(trunk="max_concurrent_calls = 1")
    if another_trunk is not None:
        world.another_trunk(another_trunk)
    numbers = NUMBERS[:2]
    world.livekit.set_script({number: [Answer(ring_s=1, talk_s=300)] for number in numbers})
    world.campaign("spring", numbers)
    world.start()
    (call,) = wait_until(lambda: [call for call in world.calls("spring") if call["state"] == "answered"])
    call_id: UUID = call["id"]
    return call_id


def closed_campaign(world: World, settings: str) -> UUID:
    """A campaign that has begun, and opens at six."""
    closed = '[schedule]\ndaily_start_time = "18:00"\ndaily_end_time = "20:00"\n'
    world.campaign("spring", [f"+7945000000{n}" for n in range(3)], closed + settings)
    world.start()
    knows_of_it(world, "spring")
    return world.id("spring")


def kill_whoever_claims(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the campaign `bad`, which has its trunk to itself; returns when this has happened once."""
    deaths: list[None] = []
    claim = ledger.claim

    def claim_or_die(connection: Connection, campaign: CampaignRow, *rest: Any, **options: Any) -> Claim:
        if campaign.label == "bad":
            deaths.append(None)
            raise ValueError("on purpose")
        return claim(connection, campaign, *rest, **options)

    monkeypatch.setattr(ledger, "claim", claim_or_die)
    world.limit(trunk="max_concurrent_calls = 2")
    world.campaign("bad", NUMBERS[:2])
    world.start()
    wait_until(lambda: deaths)


def others_are_called(world: World) -> None:
    """Another campaign of the same trunk calls everybody."""
    world.campaign("good", NUMBERS[2:])
    world.reload()
    world.wait_for_status("good", "completed")


@contextmanager
def in_place_of(world: World, address: Address) -> Iterator[Registrar]:
    """Somebody who only keeps what is told to that address."""
    directory, told = world.service.directory, Registrar()
    resident = directory.find(address)
    directory.enter(address, told)  # type: ignore[arg-type]
    try:
        yield told
    finally:
        directory.leave(address)
        if resident is not None:
            directory.enter(address, resident)
