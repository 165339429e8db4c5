"""A campaign from its file to its settled rows, by the real service against the simulated LiveKit."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from actors.addresses import Address, campaign_address, dialer_address, trunk_address
from actors.call import Call
from actors.dialer import ledger
from actors.dialer.conversation import AGENT_LEAVES, AGENT_LEAVES_SLOT
from actors.dialer.looks import LOOK_SOON
from actors.dialer.messages import LookFailed, Participant, ParticipantJoined, ParticipantLeft
from actors.errors import CampaignValidationError
from actors.jobs.call_lists.importing import import_call_list
from actors.roster import statuses
from supervisor.simulator import Answer, NoAnswer, Outage, Refuse
from tests.metrics.scraped import scrape, value
from tests.tree.people import Registrar
from tests.waiting import wait_until
from tests.world import TUESDAY, World

# The last two digits tell the simulator what a number does: these answer.
ANSWERING = [f"+7945000{n:02d}{n:02d}" for n in range(60)]
QUICK = Answer(ring_s=1, talk_s=5)
FOREVER = Answer(ring_s=1, talk_s=100_000)

MINUTE = timedelta(minutes=1)


def test_every_contact_is_called_until_it_is_reached_or_given_up(fast_world: World) -> None:
    numbers = [f"+79450001{n:03d}" for n in range(100)]  # every behaviour that the simulator knows
    fast_world.campaign("all", numbers, "[limits]\nmax_concurrent_calls = 20\n[retry]\nretry_delay_minutes = 0.5")
    fast_world.livekit.set_knobs(dialed_within_real_s=10)  # or an agent comes where none is to come
    fast_world.start()
    fast_world.wait_for_status("all", "completed", 60)
    tasks = fast_world.tasks("all")
    assert {task["status"] for task in tasks} == {"completed", "failed"}
    by_digits = {task["phone_number"][-2:]: task for task in tasks}
    # At this speed a busy machine misses an agent now and then: who answers may have been called once more than needed,
    # and what fails while the agents' breaker is open is no attempt, but it is a call.
    times = Counter(call["phone_number"][-2:] for call in fast_world.calls("all"))
    assert by_digits["12"]["outcome"] == "answered"
    assert by_digits["83"]["outcome"] == "answered" and times["83"] >= 2  # busy first
    assert by_digits["80"]["outcome"] == "no_answer" and by_digits["80"]["attempt_count"] == 3
    assert by_digits["89"]["outcome"] == "busy" and by_digits["89"]["status"] == "failed"
    assert by_digits["90"]["outcome"] == "rejected"
    assert by_digits["93"]["outcome"] == "invalid_number" and by_digits["93"]["attempt_count"] == 1
    assert by_digits["96"]["outcome"] == "answered" and times["96"] >= 2  # its trunk failed first
    assert by_digits["97"]["outcome"] == "answered" and times["97"] >= 2  # no agent came first
    first_97 = next(call for call in fast_world.calls("all") if call["phone_number"].endswith("97"))
    assert first_97["outcome"] == "agent_failed"
    fast_world.check_ledger()


def test_a_voicemail_with_which_the_campaign_is_content_completes_the_task(still_world: World) -> None:
    still_world.campaign("spring", ANSWERING[:1], '[retry.outcomes]\nvoicemail = "never"')
    still_world.livekit.set_script({ANSWERING[0]: [Answer(voicemail=True)]})
    still_world.start()
    still_world.wait_for_status("spring", "completed")
    (task,) = still_world.tasks("spring")
    assert (task["status"], task["outcome"]) == ("completed", "voicemail")


def test_a_completed_campaign_tells_its_history(fast_world: World) -> None:
    fast_world.campaign("spring", ANSWERING[:3])
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    history = fast_world.read("SELECT from_status, to_status, reason FROM campaign_status_history ORDER BY id")
    assert [tuple(row.values()) for row in history] == [
        ("draft", "running", "enabled in its file"),
        ("running", "completed", "every task is settled"),
    ]


def test_an_answered_task_carries_its_call(fast_world: World) -> None:
    fast_world.campaign("spring", ANSWERING[:1])
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    (task,), (call,) = fast_world.tasks("spring"), fast_world.calls("spring")
    assert task["call_id"] == call["id"]
    assert task["last_attempt_at"] == call["claimed_at"]
    assert call["claimed_at"] <= call["dialing_at"] < call["answered_at"] < call["ended_at"]
    assert call["agent_joined_at"] is not None
    (ring,) = fast_world.livekit.rings()
    assert (ring.number, ring.room) == (ANSWERING[0], f"campaignd-{call['id']}")


def test_a_livekit_that_answers_401_fails_tasks_with_its_error(still_world: World) -> None:
    """The scenario of the documents: retry with one attempt and a stored error, then failed after the second. Two
    contacts, who fail four times in all: a fifth failure in a row would be an outage."""
    still_world.livekit.set_knobs(outages={"all": Outage("http", status=401)})
    still_world.campaign("spring", ANSWERING[:2], "[retry]\nmax_retries = 2")
    still_world.start()
    wait_until(lambda: [task["status"] for task in still_world.tasks("spring")] == ["retry"] * 2)
    for task in still_world.tasks("spring"):
        assert task["attempt_count"] == 1
        assert "401" in task["error_message"]
        assert TUESDAY + 27 * MINUTE <= task["next_attempt_at"] <= TUESDAY + 33 * MINUTE
    still_world.advance(34 * MINUTE)
    wait_until(lambda: [task["status"] for task in still_world.tasks("spring")] == ["failed"] * 2)
    assert {task["attempt_count"] for task in still_world.tasks("spring")} == {2}
    still_world.wait_for_status("spring", "completed")
    assert still_world.livekit.rings() == []
    still_world.check_ledger()


def test_a_campaign_does_not_start_twice_nor_without_tasks(still_world: World) -> None:
    still_world.campaign("spring", ANSWERING[:1])
    still_world.livekit.set_script({ANSWERING[0]: [FOREVER]})
    still_world.campaign("empty", [])
    still_world.start()
    with pytest.raises(CampaignValidationError, match="Campaign is already running"):
        statuses.start(still_world.connection, still_world.id("spring"), TUESDAY, "again")
    with pytest.raises(CampaignValidationError, match="Campaign has no tasks"):
        statuses.start(still_world.connection, still_world.id("empty"), TUESDAY, "too early")
    assert still_world.row("empty")["status"] == "draft"


def test_never_more_calls_in_progress_than_the_campaign_the_company_and_the_trunk_allow(fast_world: World) -> None:
    fast_world.limit(trunk="max_concurrent_calls = 6", company="max_concurrent_calls = 5")
    fast_world.campaign("one", ANSWERING[:20], "[limits]\nmax_concurrent_calls = 3")
    fast_world.campaign("two", ANSWERING[20:40], "[limits]\nmax_concurrent_calls = 4")
    fast_world.start()
    for slug in ("one", "two"):
        fast_world.wait_for_status(slug, "completed")
    assert fast_world.livekit.state()["max_calls_in_progress"] <= 5
    for slug, limit in (("one", 3), ("two", 4)):
        assert most_at_once([(c["claimed_at"], c["ended_at"]) for c in fast_world.calls(slug)]) <= limit
    fast_world.check_ledger()


def most_at_once(spans: list[tuple]) -> int:  # type: ignore[type-arg]
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


def test_in_no_minute_are_more_calls_begun_than_campaign_and_trunk_allow(fast_world: World) -> None:
    fast_world.limit(trunk="calls_per_minute = 12\ncalls_per_second = 2")
    fast_world.campaign("one", ANSWERING[:20], "[limits]\ncalls_per_minute = 5")
    fast_world.campaign("two", ANSWERING[20:40])
    fast_world.start()
    for slug in ("one", "two"):
        fast_world.wait_for_status(slug, "completed", timeout_s=30)
    one = [call["dialing_at"] for call in fast_world.calls("one")]
    both = one + [call["dialing_at"] for call in fast_world.calls("two")]
    for begun, limit, window in ((one, 5, 60), (both, 12, 60), (both, 2, 1)):
        assert max(sum(first <= at <= first + timedelta(seconds=window) for at in begun) for first in begun) <= limit
    fast_world.check_ledger()


def test_a_slot_is_free_when_the_callee_has_left_whatever_is_still_to_be_learned(still_world: World) -> None:
    still_world.livekit.set_knobs(
        agent_join_s=0, agent_lingers_s=1_000_000, outages={"RoomService/ListParticipants": Outage("http")}
    )
    still_world.campaign("spring", ANSWERING[:2], "[limits]\nmax_concurrent_calls = 1")
    still_world.livekit.set_script({ANSWERING[0]: [QUICK], ANSWERING[1]: [FOREVER]})
    still_world.start()
    wait_until(lambda: len(still_world.livekit.rings()) == 2)
    assert still_world.calls("spring")[0]["state"] == "answered", "what the agent says is waited for"
    assert still_world.livekit.state()["max_calls_in_progress"] == 1
    still_world.advance(MINUTE / 4)
    wait_until(lambda: still_world.calls("spring")[0]["outcome"] == "answered")


def test_the_highest_priority_is_called_first_then_the_lists_order(fast_world: World) -> None:
    fast_world.campaign("spring", ANSWERING[:5], "[limits]\nmax_concurrent_calls = 1", priorities=[0, 5, 0, 10, 5])
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    assert [ring.number for ring in fast_world.livekit.rings()] == [ANSWERING[n] for n in (3, 1, 4, 0, 2)]


def test_a_closed_campaign_sleeps_until_it_opens(still_world: World) -> None:
    still_world.campaign(
        "evening", ANSWERING[:2], '[schedule]\ntimezone = "UTC"\ndaily_start_time = "18:00"\ndaily_end_time = "20:00"'
    )
    still_world.campaign("now", ANSWERING[2:3])
    still_world.start()
    still_world.wait_for_status("now", "completed")
    still_world.advance(timedelta(hours=9) - timedelta(seconds=1))
    assert {task["status"] for task in still_world.tasks("evening")} == {"pending"}
    still_world.advance(timedelta(seconds=1))
    still_world.wait_for_status("evening", "completed")


def test_a_campaign_whose_time_is_over_completes_with_what_it_has(still_world: World) -> None:
    still_world.campaign(
        "spring", ANSWERING[:3], "[schedule]\nend_time = 2026-12-01T10:00:00Z\n[limits]\ncalls_per_minute = 1"
    )
    still_world.livekit.set_script({number: [QUICK] for number in ANSWERING[:3]})
    still_world.start()
    wait_until(lambda: len([t for t in still_world.tasks("spring") if t["status"] == "completed"]) == 1)
    still_world.advance(timedelta(hours=1))
    still_world.wait_for_status("spring", "completed")
    assert [task["status"] for task in still_world.tasks("spring")] == ["completed", "pending", "pending"]


def test_a_paused_campaign_lets_its_calls_end_and_begins_none(fast_world: World) -> None:
    fast_world.campaign("spring", ANSWERING[:10], "[limits]\nmax_concurrent_calls = 2")
    fast_world.livekit.set_script({number: [Answer(ring_s=1, talk_s=30)] for number in ANSWERING})
    fast_world.start()
    wait_until(lambda: len(fast_world.livekit.rings()) == 2)
    statuses.pause(fast_world.connection, fast_world.id("spring"), TUESDAY, "lunch")
    wait_until(lambda: fast_world.service.calls_in_progress() == 0)
    wait_until(lambda: not [t for t in fast_world.tasks("spring") if t["status"] == "in_progress"])
    assert len(fast_world.livekit.rings()) == 2
    row = fast_world.row("spring")
    assert (row["status"], row["status_message"], row["completed_tasks"]) == ("paused", "lunch", 2)
    statuses.resume(fast_world.connection, fast_world.id("spring"), TUESDAY, "back")
    fast_world.wait_for_status("spring", "completed")
    fast_world.check_ledger()


def test_a_disabled_file_holds_its_campaign_and_an_enabled_one_lets_it_go(fast_world: World) -> None:
    fast_world.campaign("spring", ANSWERING[:2], "enabled = false")
    fast_world.start()
    assert (fast_world.row("spring")["status"], fast_world.row("spring")["total_tasks"]) == ("draft", 2)
    fast_world.stop()
    fast_world.campaign("spring", ANSWERING[:2])
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")


def test_a_removed_file_holds_its_campaign_before_anyone_is_called(still_world: World) -> None:
    still_world.campaign("spring", ANSWERING[:3], '[schedule]\ndaily_start_time = "18:00"\ndaily_end_time = "20:00"')
    still_world.start()
    still_world.stop()
    (still_world.folder / "campaigns.d" / "spring.toml").unlink()
    still_world.advance(timedelta(hours=9))
    still_world.start()
    row = still_world.row("spring")
    assert (row["status"], row["status_message"]) == ("paused", "Paused: its file has been removed")
    assert still_world.livekit.rings() == []


def test_a_list_that_grew_is_called_by_the_running_campaign(still_world: World) -> None:
    still_world.campaign("spring", ANSWERING[:2], "[limits]\nmax_concurrent_calls = 5")
    still_world.livekit.set_script({ANSWERING[0]: [FOREVER], ANSWERING[1]: [QUICK], ANSWERING[2]: [QUICK]})
    still_world.start()
    wait_until(lambda: len([t for t in still_world.tasks("spring") if t["status"] == "completed"]) == 1)
    path = still_world.call_list("spring", ANSWERING[:3])
    import_call_list(still_world.connection, still_world.id("spring"), path, TUESDAY, None)
    wait_until(lambda: len([t for t in still_world.tasks("spring") if t["status"] == "completed"]) == 2)


def test_lost_webhooks_change_nothing_in_the_result(fast_world: World) -> None:
    fast_world.livekit.set_knobs(webhooks="never")
    fast_world.campaign("spring", ANSWERING[:5])
    fast_world.livekit.set_script({number: [Answer(ring_s=1, talk_s=20)] for number in ANSWERING})
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    assert {task["outcome"] for task in fast_world.tasks("spring")} == {"answered"}
    fast_world.check_ledger()


def test_who_has_talked_to_an_agent_was_reached_though_all_of_it_is_told_after_the_end_was_seen(
    still_world: World,
) -> None:
    dialer, agent = over_unheard(still_world), Participant("agent", is_agent=True, joined_at=None, attributes={})
    still_world.tell(dialer, ParticipantJoined(agent))
    still_world.tell(dialer, ParticipantLeft(agent))
    wait_until(lambda: still_world.calls("spring")[0]["outcome"] == "answered")


def test_who_has_talked_to_an_agent_was_reached_though_only_of_its_leaving_is_told_and_after_their_own(
    still_world: World,
) -> None:
    still_world.livekit.set_knobs(agent_join_s=0, agent_lingers_s=0, webhooks="never")
    still_world.campaign("spring", ANSWERING[:1])
    still_world.livekit.set_script({ANSWERING[0]: [QUICK]})
    still_world.start()
    wait_until(lambda: still_world.calls("spring") and still_world.calls("spring")[0]["state"] == "answered")
    wait_until(lambda: still_world.livekit.state()["calls_in_progress"] == 0)
    call_id = still_world.calls("spring")[0]["id"]
    still_world.tell(dialer_address(call_id), ParticipantLeft(Participant(f"callee-{call_id}", False, None, {})))
    wait_until(lambda: value(scrape(still_world), "campaignd_trunk_calls_in_progress", trunk="main") == 0)
    still_world.tell(dialer_address(call_id), ParticipantLeft(Participant("agent", True, None, {})))
    wait_until(lambda: still_world.calls("spring")[0]["state"] == "ended")
    assert still_world.calls("spring")[0]["outcome"] == "answered"


def test_a_call_whose_end_was_seen_and_of_whose_agent_nothing_is_told_was_abandoned(still_world: World) -> None:
    over_unheard(still_world)
    assert still_world.calls("spring")[0]["outcome"] is None
    still_world.advance(MINUTE / 4)
    wait_until(lambda: still_world.calls("spring")[0]["outcome"] == "agent_failed")


def test_who_waits_for_an_agent_in_vain_is_let_go_as_soon_as_livekit_answers_again(still_world: World) -> None:
    still_world.livekit.set_knobs(agent_worker=False, callee_patience_s=100_000)
    still_world.campaign("spring", ANSWERING[:1], "[call]\nagent_timeout_s = 2\nmax_call_duration_s = 86400")
    still_world.livekit.set_script({ANSWERING[0]: [FOREVER]})
    still_world.start()
    wait_until(lambda: still_world.calls("spring") and still_world.calls("spring")[0]["state"] == "answered")
    dialer = still_world.service.directory.find(dialer_address(still_world.calls("spring")[0]["id"]))
    assert dialer is not None
    dialer.ask(LookFailed("HTTP 503"), timeout=10)
    still_world.advance(LOOK_SOON)
    wait_until(lambda: still_world.calls("spring")[0]["outcome"] == "agent_failed")


def test_nobody_asks_livekit_about_an_agent_that_leaves_with_its_callee(still_world: World) -> None:
    still_world.livekit.set_knobs(agent_join_s=0, agent_lingers_s=0)
    still_world.campaign("spring", ANSWERING[:3])
    still_world.livekit.set_script({number: [QUICK] for number in ANSWERING})
    still_world.start()
    still_world.wait_for_status("spring", "completed")
    assert {call["outcome"] for call in still_world.calls("spring")} == {"answered"}
    assert "RoomService/ListParticipants" not in still_world.livekit.state()["requests"]


@pytest.mark.parametrize("limited", ["the campaign", "the trunk"])
def test_an_agent_that_stays_is_sent_away_when_the_next_has_the_slot(still_world: World, limited: str) -> None:
    limit = "max_concurrent_calls = 1"
    still_world.livekit.set_knobs(agent_join_s=0, agent_lingers_s=100_000)
    still_world.limit(trunk=limit if limited == "the trunk" else "")
    still_world.campaign("spring", ANSWERING[:2], f"[limits]\n{limit}" if limited == "the campaign" else "")
    still_world.livekit.set_script({ANSWERING[0]: [QUICK], ANSWERING[1]: [FOREVER]})
    still_world.start()
    wait_until(lambda: len(still_world.livekit.rings()) == 2)
    assert still_world.calls("spring")[0]["outcome"] is None
    still_world.advance(AGENT_LEAVES)
    wait_until(lambda: still_world.calls("spring")[0]["outcome"] == "answered")
    wait_until(lambda: still_world.livekit.state()["rooms"] == 1)


def test_an_agent_that_stays_keeps_no_slot_of_its_company_for_long(still_world: World) -> None:
    still_world.livekit.set_knobs(agent_join_s=0, agent_lingers_s=100_000)
    still_world.limit(company="max_concurrent_calls = 1")
    still_world.campaign("spring", ANSWERING[:2])
    still_world.livekit.set_script({ANSWERING[0]: [QUICK], ANSWERING[1]: [FOREVER]})
    still_world.start()
    wait_until(lambda: still_world.calls("spring") and still_world.calls("spring")[0]["state"] == "answered")
    wait_until(lambda: value(scrape(still_world), "campaignd_trunk_calls_in_progress", trunk="main") == 0)
    assert len(still_world.livekit.rings()) == 1
    still_world.advance(AGENT_LEAVES_SLOT)
    wait_until(lambda: len(still_world.livekit.rings()) == 2)


def test_a_dialer_that_hung_while_another_took_its_place_dials_nobody(
    still_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark_dialing = ledger.mark_dialing

    def takes_too_long(connection: psycopg.Connection, call: Call, *values: Any) -> ledger.Mark:
        mark = mark_dialing(connection, call, *values)
        still_world.service.directory.enter(dialer_address(call.call_id), Registrar())  # type: ignore[arg-type]
        return mark

    monkeypatch.setattr(ledger, "mark_dialing", takes_too_long)
    still_world.campaign("spring", ANSWERING[:1])
    still_world.start()
    wait_until(lambda: still_world.calls("spring") and still_world.calls("spring")[0]["state"] == "dialing")
    wait_until(lambda: "RoomService/ListParticipants" in still_world.livekit.state()["requests"])  # by the next one
    assert still_world.livekit.rings() == []


def over_unheard(world: World) -> Address:
    """An answered call whose end its dialer has learned by asking: its webhooks are lost, or yet to come."""
    world.livekit.set_knobs(agent_join_s=0, agent_lingers_s=0, webhooks="never")
    world.campaign("spring", ANSWERING[:1], "[call]\nagent_timeout_s = 2")
    world.livekit.set_script({ANSWERING[0]: [QUICK]})
    world.start()
    wait_until(lambda: world.calls("spring") and world.calls("spring")[0]["state"] == "answered")
    wait_until(lambda: world.livekit.state()["calls_in_progress"] == 0)
    world.advance(timedelta(seconds=2))
    wait_until(lambda: value(scrape(world), "campaignd_trunk_calls_in_progress", trunk="main") == 0)
    assert looks(world) == 1
    world.advance(AGENT_LEAVES)
    wait_until(lambda: looks(world) == 2)
    return dialer_address(world.calls("spring")[0]["id"])


def looks(world: World) -> int:
    """How often it was asked who is in a room."""
    return int(world.livekit.state()["requests"].get("RoomService/ListParticipants", 0))


def test_repeated_webhooks_change_nothing_in_the_result(fast_world: World) -> None:
    fast_world.livekit.set_knobs(webhooks="twice")
    fast_world.campaign("spring", ANSWERING[:10])
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    assert {task["outcome"] for task in fast_world.tasks("spring")} == {"answered"}
    fast_world.check_ledger()


def test_a_dial_whose_answer_is_cut_off_is_asked_about_and_not_repeated(fast_world: World) -> None:
    fast_world.livekit.set_knobs(outages={"SIP/CreateSIPParticipant": Outage("cut", times=1)})
    fast_world.campaign("spring", ANSWERING[:1])
    fast_world.livekit.set_script({ANSWERING[0]: [Answer(ring_s=5, talk_s=60)]})
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    (call,) = fast_world.calls("spring")
    assert call["outcome"] == "answered"
    assert len(fast_world.livekit.rings()) == 1


def test_a_dial_that_can_not_be_traced_is_interrupted_and_tried_again_by_the_rules(fast_world: World) -> None:
    fast_world.livekit.set_knobs(outages={"SIP/CreateSIPParticipant": Outage("http", status=502, times=1)})
    fast_world.campaign("spring", ANSWERING[:1], "[retry]\nretry_delay_minutes = 1")
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    assert [call["outcome"] for call in fast_world.calls("spring")] == ["interrupted", "answered"]
    first, second = fast_world.calls("spring")
    assert second["claimed_at"] - first["ended_at"] >= 0.9 * MINUTE
    fast_world.check_ledger()


def test_a_call_that_may_not_be_dialed_after_all_is_settled_though_its_mark_is_written(
    still_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL wrote the mark and was lost before it could say so."""
    mark_dialing = ledger.mark_dialing

    def answers_no_more(connection: psycopg.Connection, *values: Any) -> ledger.Mark:
        monkeypatch.undo()
        assert mark_dialing(connection, *values) is ledger.Mark.DIALING
        connection.execute("UPDATE campaigns SET status = 'paused'")
        raise psycopg.OperationalError("no answer")

    monkeypatch.setattr(ledger, "mark_dialing", answers_no_more)
    still_world.campaign("spring", ANSWERING[:1])
    still_world.start()

    def call() -> dict[str, Any]:
        still_world.advance(timedelta(seconds=2))
        return still_world.calls("spring")[0]

    wait_until(lambda: still_world.calls("spring"))
    wait_until(lambda: call()["state"] == "ended")
    assert (call()["outcome"], call()["counts"]) == ("error", False)
    assert still_world.livekit.rings() == []
    assert still_world.tasks("spring")[0]["attempt_count"] == 0


def test_being_refused_for_our_pace_costs_no_attempt(fast_world: World) -> None:
    fast_world.livekit.set_knobs(max_concurrent_calls=1)
    fast_world.campaign("spring", ANSWERING[:2])
    fast_world.livekit.set_script({number: [Answer(ring_s=1, talk_s=20)] for number in ANSWERING})
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    assert {task["attempt_count"] for task in fast_world.tasks("spring")} == {1}
    assert "rate_limited" in {call["outcome"] for call in fast_world.calls("spring")}
    fast_world.check_ledger()


@pytest.mark.parametrize("victim", ["campaign", "trunk", "calls", "roster"])
def test_an_actors_crash_costs_no_call_and_no_contact(fast_world: World, victim: str) -> None:
    fast_world.campaign("spring", ANSWERING[:20], "[limits]\nmax_concurrent_calls = 4")
    fast_world.livekit.set_script({number: [Answer(ring_s=1, talk_s=30)] for number in ANSWERING})
    fast_world.start()
    wait_until(lambda: len(fast_world.livekit.rings()) >= 4)
    address = {
        "campaign": campaign_address(fast_world.id("spring")),
        "trunk": trunk_address("main"),
    }.get(victim, victim)
    fast_world.tell(address, "nonsense")  # type: ignore[arg-type]
    fast_world.wait_for_status("spring", "completed")
    assert {task["attempt_count"] for task in fast_world.tasks("spring")} == {1}
    assert fast_world.livekit.state()["max_calls_in_progress"] <= 4
    fast_world.check_ledger()


def test_a_carrier_that_is_down_is_the_trunks_failure(fast_world: World) -> None:
    fast_world.campaign("spring", ANSWERING[:1], "[retry]\nmax_retries = 1")
    fast_world.livekit.set_script({ANSWERING[0]: [Refuse(503, "Service Unavailable")]})
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    (task,), (call,) = fast_world.tasks("spring"), fast_world.calls("spring")
    assert (task["status"], task["outcome"], task["error_message"]) == (
        "failed",
        "trunk_failed",
        "SIP 503 Service Unavailable",
    )
    assert call["sip_status_code"] == 503


def test_a_phone_that_nobody_takes_is_no_answer(fast_world: World) -> None:
    fast_world.campaign("spring", ANSWERING[:1], "[retry]\nmax_retries = 1")
    fast_world.livekit.set_script({ANSWERING[0]: [NoAnswer()]})
    fast_world.start()
    fast_world.wait_for_status("spring", "completed")
    assert fast_world.tasks("spring")[0]["outcome"] == "no_answer"
