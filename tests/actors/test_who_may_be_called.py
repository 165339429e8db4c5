"""Who may be called is looked at again at the moment of claiming (product.md, "Rules")."""

from __future__ import annotations

from datetime import datetime, timedelta

from actors.addresses import dialer_address
from actors.dialer.messages import RoomReady
from actors.ids import new_id
from actors.roster.statuses import pause
from supervisor.simulator import Answer, Outage, Refuse
from tests.waiting import wait_until
from tests.world import TUESDAY, World

QUICK = Answer(ring_s=1, talk_s=5)
NEW_YORK, MOSCOW, VLADIVOSTOK = "+12125550112", "+74951230013", "+74232300014"
HOUR = timedelta(hours=1)


def move_to(world: World, instant: datetime) -> None:
    world.advance(instant - world.clock.now())


def statuses(world: World, slug: str) -> list[str]:
    return [task["status"] for task in world.tasks(slug)]


def forbid(world: World, number: str, company: str | None) -> None:
    world.connection.execute(
        "INSERT INTO do_not_call (id, company_id, phone_number, created_at)"
        " VALUES (%s, (SELECT id FROM companies WHERE slug = %s), %s, %s)",
        (new_id(), company, number, TUESDAY),
    )


def test_a_number_put_on_do_not_call_after_the_import_is_not_called(still_world: World) -> None:
    opens_later = '[schedule]\ndaily_start_time = "18:00"\ndaily_end_time = "20:00"'
    still_world.campaign("spring", ["+79450000001", "+79450000002", "+79450000003"], opens_later)
    still_world.livekit.set_script({f"+7945000000{n}": [QUICK] for n in (1, 2, 3)})
    still_world.start()
    forbid(still_world, "+79450000001", "acme")
    forbid(still_world, "+79450000003", None)
    move_to(still_world, TUESDAY + 9 * HOUR)
    still_world.wait_for_status("spring", "completed")
    assert statuses(still_world, "spring") == ["failed", "completed", "failed"]
    refused = still_world.tasks("spring")[0]
    assert (refused["attempt_count"], refused["error_message"]) == (0, "On the do-not-call list")
    assert [ring.number for ring in still_world.livekit.rings()] == ["+79450000002"]
    still_world.check_ledger()


def test_who_wants_no_such_calls_is_never_called_again_by_the_company(still_world: World) -> None:
    unwanted, declining = "+79450000001", "+79450000002"
    still_world.campaign("spring", [unwanted, declining], "[retry]\nretry_delay_minutes = 1\nmax_retries = 2")
    still_world.campaign("summer", [unwanted], "[schedule]\nstart_time = 2026-12-02T00:00:00+00:00")
    still_world.livekit.set_script({unwanted: [Refuse(607, "Unwanted")], declining: [Refuse(603, "Decline")]})
    still_world.start()
    wait_until(lambda: statuses(still_world, "spring") == ["failed", "retry"])
    listed = "SELECT y.slug, d.phone_number, d.reason FROM do_not_call d JOIN companies y ON y.id = d.company_id"
    assert still_world.connection.execute(listed).fetchall() == [("acme", unwanted, "Unwanted, said the carrier")]
    move_to(still_world, TUESDAY + 24 * HOUR)
    still_world.wait_for_status("summer", "completed")
    assert [ring.number for ring in still_world.livekit.rings()].count(unwanted) == 1
    assert still_world.tasks("summer")[0]["error_message"] == "On the do-not-call list"


def test_a_contact_is_called_when_the_window_is_open_at_their_place_too(still_world: World) -> None:
    settings = (
        '[schedule]\ntimezone = "Europe/Moscow"\ndaily_start_time = "09:00"\ndaily_end_time = "21:00"\n'
        "contact_local_time = true"
    )
    still_world.campaign("world", [NEW_YORK, VLADIVOSTOK, MOSCOW], settings)
    still_world.livekit.set_script({number: [QUICK] for number in (NEW_YORK, MOSCOW, VLADIVOSTOK)})
    still_world.start()  # noon in Moscow, 19:00 in Vladivostok, 04:00 in New York
    wait_until(lambda: statuses(still_world, "world").count("completed") == 2)
    waiting = still_world.tasks("world")[0]
    assert (waiting["status"], waiting["attempt_count"]) == ("pending", 0)
    assert waiting["next_attempt_at"] == TUESDAY + 5 * HOUR  # 09:00 in New York, 17:00 in Moscow
    move_to(still_world, TUESDAY + 5 * HOUR - timedelta(seconds=1))
    assert len(still_world.livekit.rings()) == 2
    move_to(still_world, TUESDAY + 5 * HOUR)
    still_world.wait_for_status("world", "completed")
    still_world.check_ledger()


def test_contacts_at_closed_places_do_not_stand_in_the_way_of_others(still_world: World) -> None:
    settings = '[schedule]\ndaily_start_time = "08:00"\ndaily_end_time = "20:00"\ncontact_local_time = true'
    asleep = [f"+1212555{n:04d}" for n in range(300)]
    still_world.campaign("world", [*asleep, "+442079460112"], settings)
    still_world.livekit.set_script({"+442079460112": [QUICK]})
    still_world.start()
    wait_until(lambda: statuses(still_world, "world")[-1] == "completed")
    assert len(still_world.livekit.rings()) == 1


def test_a_contact_whose_place_is_never_open_with_the_campaign_is_given_up(still_world: World) -> None:
    settings = '[schedule]\ndaily_start_time = "09:00"\ndaily_end_time = "10:00"\ncontact_local_time = true'
    still_world.campaign("world", [VLADIVOSTOK], settings)
    still_world.start()
    still_world.wait_for_status("world", "completed")
    (task,) = still_world.tasks("world")
    assert (task["status"], task["attempt_count"]) == ("failed", 0)
    assert "never open" in task["error_message"]
    still_world.check_ledger()


def test_a_retry_that_would_fall_outside_the_window_is_put_at_its_opening(still_world: World) -> None:
    settings = '[schedule]\ndaily_start_time = "09:00"\ndaily_end_time = "09:30"\n[retry]\njitter = 0'
    still_world.campaign("spring", ["+79450000001"], settings)
    still_world.livekit.set_script({"+79450000001": [Refuse(480, "Temporarily Unavailable")]})
    still_world.start()
    wait_until(lambda: statuses(still_world, "spring") == ["retry"])
    assert still_world.tasks("spring")[0]["next_attempt_at"] == TUESDAY + 24 * HOUR


def test_a_number_is_not_called_more_often_in_a_day_than_its_company_allows(still_world: World) -> None:
    still_world.limit(company="max_attempts_per_day = 2")
    never_there = Refuse(480, "Temporarily Unavailable")
    still_world.livekit.set_script({"+79450000001": [never_there], "+79450000002": [QUICK]})
    retry = '[retry]\nretry_delay_minutes = 60\nbackoff = "fixed"\njitter = 0\nmax_retries = 3'
    still_world.campaign("one", ["+79450000001"], retry)
    still_world.campaign("two", ["+79450000001", "+79450000002"], retry)
    still_world.start()
    wait_until(lambda: len(still_world.livekit.rings()) == 3)
    wait_until(lambda: "in_progress" not in statuses(still_world, "one") + statuses(still_world, "two"))
    move_to(still_world, TUESDAY + 23 * HOUR)
    wait_until(lambda: {task["next_attempt_at"] for task in tasks_of(still_world)} == {TUESDAY + 24 * HOUR})
    assert [ring.number for ring in still_world.livekit.rings()].count("+79450000001") == 2
    move_to(still_world, TUESDAY + 24 * HOUR)
    wait_until(lambda: [ring.number for ring in still_world.livekit.rings()].count("+79450000001") == 4)
    still_world.check_ledger()


def tasks_of(world: World) -> list[dict]:  # type: ignore[type-arg]
    return [task for slug in ("one", "two") for task in world.tasks(slug) if task["phone_number"] == "+79450000001"]


def test_a_call_that_is_not_ready_before_the_window_closes_is_given_back(still_world: World) -> None:
    settings = '[schedule]\ndaily_start_time = "08:00"\ndaily_end_time = "10:00"'
    still_world.livekit.set_knobs(outages={"RoomService/CreateRoom": Outage("hang")})
    still_world.campaign("spring", ["+79450000001"], settings)
    still_world.start()
    wait_until(lambda: still_world.service.calls_in_progress() == 1)
    move_to(still_world, TUESDAY + HOUR)
    the_room_is_ready(still_world)
    wait_until(lambda: statuses(still_world, "spring") == ["pending"])
    assert still_world.livekit.rings() == []
    assert still_world.tasks("spring")[0]["attempt_count"] == 0


def test_a_call_that_is_not_ready_when_an_operator_pauses_is_given_back(still_world: World) -> None:
    still_world.livekit.set_knobs(outages={"RoomService/CreateRoom": Outage("hang")})
    still_world.campaign("spring", ["+79450000001"])
    still_world.start()
    wait_until(lambda: still_world.service.calls_in_progress() == 1)
    pause(still_world.connection, still_world.id("spring"), TUESDAY, "lunch")
    the_room_is_ready(still_world)
    wait_until(lambda: statuses(still_world, "spring") == ["pending"])
    assert still_world.livekit.rings() == []


def the_room_is_ready(world: World) -> None:
    """Of the only call, as its dialer is told."""
    (call,) = world.calls("spring")
    world.tell(dialer_address(call["id"]), RoomReady())
