"""A service fails: it is noticed, few contacts pay for it, people are told what is wrong, and it goes on by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from livekit import api

from actors.breakers.actor import LOOK_EVERY, STAND_BACK
from actors.breakers.blame import WRONG_NUMBERS_IN_A_ROW
from actors.jobs.call_lists.importing import import_call_list
from actors.roster import statuses
from supervisor.simulator import Answer, Outage, Refuse
from tests.livekit_rooms import participants, rooms
from tests.metrics.scraped import scrape, value
from tests.waiting import wait_until
from tests.world import TUESDAY, World

NUMBERS = [f"+7945000{n:04d}" for n in range(300)]
DOWN = Refuse(503, "Service Unavailable", after_s=0.1)
UP = Answer(ring_s=0.1, talk_s=1)
PATIENT = Answer(ring_s=0.1, talk_s=100_000)
IN_PROGRESS = 50
THRESHOLD = 5
AGENTS = "agents:renewals-agent"


def breaker(world: World, service: str) -> dict[str, Any]:
    rows = world.read("SELECT * FROM circuit_breakers WHERE service = %s", service)
    return rows[0] if rows else {"state": "closed"}


def wait_for_breaker(world: World, service: str, state: str) -> None:
    wait_until(lambda: breaker(world, service)["state"] == state, 20, f"{service} to be {state}")


def pass_time(world: World, by: timedelta, step: timedelta = timedelta(seconds=30)) -> None:
    """Move the clock on, step by step; what each step sets off comes to its end before the next."""
    until = world.clock.now() + by
    while world.clock.now() < until:
        world.advance(step)
        # In this order: a probe that is over may have a call that is not settled yet.
        wait_until(lambda: not being_tried(world) and not unfinished(world), 20, "calls and probes to end")


def pass_time_with_agents(world: World, by: timedelta) -> None:
    """The same where agents come. One that is to show it joins in its own time, and is looked for on the clock that the
    test moves: if that ran on meanwhile, no probe could ever succeed."""
    until = world.clock.now() + by
    while world.clock.now() < until:
        pass_time(world, timedelta(seconds=30))
        if breaker(world, AGENTS)["state"] == "half_open":
            wait_until(lambda: agent_in_a_probes_room(world), what="an agent to join")
            world.advance(LOOK_EVERY)
            wait_until(lambda: breaker(world, AGENTS)["state"] != "half_open", what="the agent to be seen")


def unfinished(world: World) -> bool:
    (row,) = world.read("SELECT count(*) AS n FROM calls WHERE state IN ('claimed', 'dialing', 'answered')")
    return bool(row["n"])


def being_tried(world: World) -> bool:
    """A service is being tried, or is about to be. An agent is waited for on the clock that the test moves."""
    return bool(
        world.read(
            "SELECT FROM circuit_breakers WHERE service NOT LIKE 'agents:%%'"
            " AND (state = 'half_open' OR service = 'livekit' AND state = 'open' AND retry_at <= %s)",
            world.clock.now() - STAND_BACK,
        )
    )


def agent_in_a_probes_room(world: World) -> bool:
    probes = [name for name in rooms(world.livekit) if name.startswith("campaignd-probe-")]
    seen = [each for name in probes for each in participants(world.livekit, name)]
    return any(each.kind == api.ParticipantInfo.Kind.AGENT for each in seen)


def all_calls(world: World) -> int:
    return len(world.calls("spring")) + len(world.calls("autumn"))


def failed_attempts(world: World, slug: str) -> int:
    return sum(call["counts"] and call["outcome"] in ("trunk_failed", "error") for call in world.calls(slug))


def test_an_outage_of_an_hour_costs_the_calls_under_way_and_the_threshold_at_most(still_world: World) -> None:
    still_world.campaign(
        "spring",
        NUMBERS[:200],
        f"[limits]\nmax_concurrent_calls = {IN_PROGRESS}\n[retry]\nmax_retries = 2",
    )
    still_world.livekit.set_script({number: [DOWN] for number in NUMBERS})
    still_world.start()
    wait_for_breaker(still_world, "trunk:main", "open")
    still_world.wait_for_status("spring", "paused")
    row = still_world.row("spring")
    assert row["status_message"] == "Paused: circuit breaker trunk:main is open"
    assert row["status_error"].startswith("SIP 503 Service Unavailable (")
    pass_time(still_world, timedelta(hours=1))
    assert still_world.row("spring")["status"] == "paused"
    assert failed_attempts(still_world, "spring") <= IN_PROGRESS + THRESHOLD
    # The last minute may be about to let one more call try whether it works again.
    wait_until(
        lambda: {task["status"] for task in still_world.tasks("spring")} <= {"pending", "retry"}, what="the list"
    )
    probes = [call for call in still_world.calls("spring") if not call["counts"] and call["dialing_at"]]
    assert probes, "nobody tried whether it works again"
    still_world.check_ledger()
    still_world.livekit.set_script({number: [UP] for number in NUMBERS})

    def completed() -> bool:
        pass_time_with_agents(still_world, timedelta(minutes=5))
        return bool(still_world.row("spring")["status"] == "completed")

    wait_until(completed, 60, "everybody to be reached")
    assert breaker(still_world, "trunk:main")["state"] == "closed"
    assert {task["outcome"] for task in still_world.tasks("spring")} == {"answered"}
    reasons = [row["reason"] for row in still_world.read("SELECT reason FROM campaign_status_history ORDER BY id")]
    assert reasons == [
        "enabled in its file",
        "Paused: circuit breaker trunk:main is open",
        "Circuit breaker trunk:main has closed",
        "every task is settled",
    ]
    still_world.check_ledger()


def test_a_trunk_that_suddenly_knows_no_number_loses_no_contact_once_that_is_known(still_world: World) -> None:
    still_world.campaign("spring", NUMBERS[:100], "[limits]\nmax_concurrent_calls = 5\n[retry]\nmax_retries = 1")
    still_world.livekit.set_script({number: [Refuse(404, "Not Found", after_s=0.1)] for number in NUMBERS})
    still_world.start()
    wait_for_breaker(still_world, "trunk:main", "open")
    still_world.wait_for_status("spring", "paused")
    wait_until(lambda: not unfinished(still_world))
    lost = still_world.row("spring")["failed_tasks"]
    assert lost < WRONG_NUMBERS_IN_A_ROW + THRESHOLD + 5
    pass_time(still_world, timedelta(hours=1))
    assert any(call["outcome"] == "invalid_number" and not call["counts"] for call in still_world.calls("spring"))
    assert still_world.row("spring")["failed_tasks"] == lost, "who was called to try the trunk was given up"
    still_world.livekit.set_script({number: [UP] for number in NUMBERS})

    def completed() -> bool:
        pass_time_with_agents(still_world, timedelta(minutes=5))
        return bool(still_world.row("spring")["status"] == "completed")

    wait_until(completed, 60, "everybody else to be reached")
    row = still_world.row("spring")
    assert (row["completed_tasks"], row["failed_tasks"]) == (100 - lost, lost)
    still_world.check_ledger()


def test_an_outage_costs_a_campaign_that_dials_slowly_no_more(still_world: World) -> None:
    still_world.campaign("spring", NUMBERS[:40], "[limits]\ncalls_per_minute = 1\n[retry]\nmax_retries = 1")
    still_world.livekit.set_script({number: [DOWN] for number in NUMBERS})
    still_world.start()

    def opened() -> bool:
        pass_time(still_world, timedelta(seconds=30))
        return bool(breaker(still_world, "trunk:main")["state"] != "closed")

    wait_until(opened, 60, "the breaker to open")
    pass_time(still_world, timedelta(hours=1))
    assert failed_attempts(still_world, "spring") <= 1 + THRESHOLD
    wait_until(lambda: still_world.row("spring")["status_message"] == "Paused: circuit breaker trunk:main is open")
    still_world.check_ledger()


def test_an_outage_that_nobody_may_be_called_to_try_at_night_is_shown_as_such(still_world: World) -> None:
    hours = '[schedule]\ndaily_start_time = "08:00"\ndaily_end_time = "09:10"\n'
    still_world.campaign("spring", NUMBERS[:20], hours + "[limits]\nmax_concurrent_calls = 5")
    still_world.livekit.set_script({number: [DOWN] for number in NUMBERS})
    still_world.start()
    wait_for_breaker(still_world, "trunk:main", "open")

    def untried() -> float | None:
        return value(scrape(still_world), "campaignd_breaker_untried", service="trunk:main")

    def tried(*, so_far: int) -> bool:
        pass_time(still_world, timedelta(seconds=30))
        return len(still_world.calls("spring")) > so_far and breaker(still_world, "trunk:main")["state"] == "open"

    wait_until(lambda: tried(so_far=THRESHOLD), what="it to be tried in the evening")
    assert untried() == 0
    still_world.advance(timedelta(hours=1))

    def comes_back() -> bool:
        pass_time(still_world, timedelta(seconds=30))
        return untried() == 1

    wait_until(comes_back, what="nobody to be called at night")
    by_day = len(still_world.calls("spring"))
    still_world.advance(timedelta(hours=22))
    wait_until(lambda: tried(so_far=by_day), what="it to be tried in the morning")
    assert untried() == 0


def test_livekit_is_tried_without_calling_anybody_until_it_answers(still_world: World) -> None:
    still_world.another_trunk("spare")
    still_world.campaign("spring", NUMBERS[:40], "[limits]\nmax_concurrent_calls = 10")
    still_world.campaign("autumn", NUMBERS[100:120], "[limits]\nmax_concurrent_calls = 10", trunk="spare")
    still_world.livekit.set_knobs(outages={"all": Outage("http", status=401)})
    still_world.livekit.set_script({number: [UP] for number in NUMBERS})
    still_world.start()
    wait_for_breaker(still_world, "livekit", "open")
    still_world.wait_for_status("spring", "paused")
    assert "401" in still_world.row("spring")["status_error"]
    still_world.wait_for_status("autumn", "paused")
    before = all_calls(still_world)
    pass_time(still_world, timedelta(minutes=10))
    assert all_calls(still_world) == before, "a contact was tried while LiveKit did not answer"
    assert failed_attempts(still_world, "spring") + failed_attempts(still_world, "autumn") <= 20 + THRESHOLD
    still_world.livekit.set_knobs(outages={})

    def completed() -> bool:
        pass_time_with_agents(still_world, timedelta(minutes=5))
        return all(still_world.row(slug)["status"] == "completed" for slug in ("spring", "autumn"))

    wait_until(completed, 60, "everybody to be reached")
    for slug in ("spring", "autumn"):
        assert {task["outcome"] for task in still_world.tasks(slug)} == {"answered"}
    still_world.check_ledger()


def test_a_livekit_that_answers_and_dials_nobody_costs_no_more_however_few_calls_a_minute_may_have(
    still_world: World,
) -> None:
    limit = f"calls_per_minute = {THRESHOLD}"  # so that all are dialed: the breaker opens with the last
    still_world.campaign("spring", NUMBERS[:100], f"[limits]\n{limit}\n[retry]\nmax_retries = 1")
    still_world.livekit.set_knobs(outages={"SIP": Outage("http", status=503)})
    still_world.livekit.set_script({number: [UP] for number in NUMBERS})
    still_world.start()
    wait_for_breaker(still_world, "livekit", "open")
    wait_until(lambda: not unfinished(still_world))
    assert sum(call["dialing_at"] is not None for call in still_world.calls("spring")) == THRESHOLD
    opened = breaker(still_world, "livekit")["generation"]
    pass_time(still_world, timedelta(seconds=31), timedelta(seconds=31))
    # The minute is full: nobody may be called to see whether calls go through.
    wait_until(lambda: breaker(still_world, "livekit")["generation"] == opened + 2, what="the probe to end")
    assert breaker(still_world, "livekit")["state"] == "open"
    pass_time(still_world, timedelta(minutes=15))
    assert sum(call["counts"] for call in still_world.calls("spring")) <= THRESHOLD
    reasons = [row["reason"] for row in still_world.read("SELECT reason FROM campaign_status_history ORDER BY id")]
    assert reasons == ["enabled in its file", "Paused: circuit breaker livekit is open"], "it went on meanwhile"
    still_world.livekit.set_knobs(outages={})

    def goes_on() -> bool:
        pass_time_with_agents(still_world, timedelta(minutes=1))
        return bool(still_world.row("spring")["status"] == "running")

    wait_until(goes_on, 60, "the campaign to go on")
    still_world.check_ledger()


def test_agents_that_never_join_stop_the_campaign_and_are_tried_in_an_empty_room(still_world: World) -> None:
    still_world.campaign("spring", NUMBERS[:40], "[limits]\nmax_concurrent_calls = 8\n[call]\nagent_timeout_s = 2")
    still_world.livekit.set_knobs(agent_worker=False, callee_patience_s=100_000)
    still_world.livekit.set_script({number: [PATIENT] for number in NUMBERS})
    still_world.start()

    def opened() -> bool:
        still_world.advance(timedelta(seconds=1))
        return breaker(still_world, AGENTS)["state"] != "closed"

    wait_until(opened, 30, "the breaker to open")
    still_world.wait_for_status("spring", "paused")
    assert still_world.row("spring")["status_message"] == "Paused: circuit breaker agents:renewals-agent is open"
    wait_until(lambda: not {call["state"] for call in still_world.calls("spring")} & {"claimed", "dialing"})
    rung = len(still_world.livekit.rings())
    assert rung <= 8 + THRESHOLD, "too many people answered to nobody"
    pass_time(still_world, timedelta(minutes=5))
    assert len(still_world.livekit.rings()) == rung, "somebody was called to see whether agents are there"

    def between_probes() -> bool:
        row = breaker(still_world, AGENTS)
        if row["state"] == "half_open":
            still_world.advance(timedelta(seconds=2))
        return bool(row["state"] == "open" and row["retry_at"] > still_world.clock.now())

    wait_until(between_probes, 30, "the probe to end that was begun without agents")
    still_world.livekit.set_knobs(agent_worker=True)
    still_world.livekit.set_script({number: [UP] for number in NUMBERS})

    def closed() -> bool:
        row = breaker(still_world, AGENTS)
        if row["state"] == "open":
            still_world.advance(max(row["retry_at"] - still_world.clock.now(), timedelta(0)))
        elif row["state"] == "half_open" and agent_in_a_probes_room(still_world):
            still_world.advance(timedelta(seconds=2))  # it is looked for again
        return bool(row["state"] == "closed")

    wait_until(closed, 60, "the breaker to close")
    still_world.wait_for_status("spring", "running")


@pytest.mark.parametrize("outcome", ["busy", "no answer", "wrong number"])
def test_what_callees_do_says_nothing_about_any_service(still_world: World, outcome: str) -> None:
    does = {
        "busy": Refuse(486, "Busy Here", after_s=0.1),
        "no answer": Refuse(480, "Temporarily Unavailable", after_s=0.1),
        "wrong number": Refuse(404, "Not Found", after_s=0.1),
    }[outcome]
    still_world.campaign("spring", NUMBERS[:9], "[retry]\nmax_retries = 1")
    still_world.livekit.set_script({number: [does] for number in NUMBERS})
    still_world.start()
    still_world.wait_for_status("spring", "completed")
    assert {row["state"] for row in still_world.read("SELECT state FROM circuit_breakers")} == {"closed"}


def test_an_outage_is_not_forgotten_by_a_restart(still_world: World) -> None:
    still_world.campaign("spring", NUMBERS[:40], "[limits]\nmax_concurrent_calls = 5")
    still_world.livekit.set_script({number: [DOWN] for number in NUMBERS})
    still_world.start()
    wait_for_breaker(still_world, "trunk:main", "open")
    still_world.wait_for_status("spring", "paused")
    wait_until(lambda: not unfinished(still_world))
    still_world.stop()
    rung = len(still_world.calls("spring"))
    still_world.start()
    pass_time(still_world, timedelta(seconds=5), timedelta(seconds=1))
    assert len(still_world.calls("spring")) == rung, "it dialed into the outage again"
    assert still_world.row("spring")["status"] == "paused"


def test_a_refused_pace_is_no_failure_costs_no_attempt_and_slows_the_trunk_down(still_world: World) -> None:
    too_fast, busy = Refuse(503, "CPS limit exceeded", after_s=0.1), Refuse(486, "Busy Here", after_s=0.1)
    still_world.limit(trunk="calls_per_minute = 600")
    still_world.campaign("spring", NUMBERS[:20], "[limits]\nmax_concurrent_calls = 20\n[retry]\nmax_retries = 1")
    still_world.livekit.set_script({number: [too_fast, busy] for number in NUMBERS})
    still_world.start()
    wait_until(lambda: still_world.read("SELECT FROM trunk_paces WHERE calls_per_minute < 600"), 20, "what was learned")

    def completed() -> bool:
        still_world.advance(timedelta(seconds=1))  # calls wait for their turn
        return bool(still_world.row("spring")["status"] == "completed")

    wait_until(completed, 60, "everybody to be called")
    assert {(task["outcome"], task["attempt_count"]) for task in still_world.tasks("spring")} == {("busy", 1)}
    assert {row["state"] for row in still_world.read("SELECT state FROM circuit_breakers")} == {"closed"}
    still_world.check_ledger()


def test_a_campaign_of_whose_answerers_too_many_found_no_agent_calls_one_at_a_time(still_world: World) -> None:
    still_world.campaign(
        "spring",
        NUMBERS[:3],
        "[limits]\nmax_concurrent_calls = 20\nmax_abandon_rate = 0.03\n[call]\nagent_timeout_s = 2",
    )
    alone = Answer(ring_s=0.1, talk_s=100_000, agent_joins=False)
    # Or an agent comes where none is to come, and the callee leaves before one is late.
    still_world.livekit.set_knobs(dialed_within_real_s=10, callee_patience_s=100_000)
    still_world.livekit.set_script(
        {number: [alone if n < 3 else Answer(ring_s=0.1, talk_s=10)] for n, number in enumerate(NUMBERS)}
    )
    still_world.start()
    wait_until(lambda: [call["state"] for call in still_world.calls("spring")] == ["answered"] * 3)
    pass_time(still_world, timedelta(seconds=2), timedelta(seconds=2))
    assert [call["outcome"] for call in still_world.calls("spring")] == ["agent_failed"] * 3
    path = still_world.call_list("spring", NUMBERS[:120])
    import_call_list(still_world.connection, still_world.id("spring"), path, TUESDAY, None)

    def completed() -> bool:
        pass_time(still_world, timedelta(seconds=2), timedelta(seconds=1))
        return len([call for call in still_world.calls("spring") if call["outcome"] == "answered"]) >= 100

    wait_until(completed, 100, "everybody to be called once")
    # As LiveKit saw it: by the clock here a slot is free, and used again, at the same moment.
    later = [(ring.at, ring.ended_at) for ring in still_world.livekit.rings()[3:53] if ring.ended_at is not None]
    assert max(sum(begin <= moment < end for begin, end in later) for moment, _ in later) == 1


def test_a_campaign_that_does_not_need_the_failing_trunk_goes_on(still_world: World) -> None:
    still_world.another_trunk("spare")
    still_world.campaign("spring", NUMBERS[:20], "[limits]\nmax_concurrent_calls = 5")
    still_world.campaign("autumn", NUMBERS[100:120], trunk="spare")
    down = {number: [DOWN] for number in NUMBERS[:100]}
    still_world.livekit.set_script(down | {number: [UP] for number in NUMBERS[100:]})
    still_world.start()
    still_world.wait_for_status("spring", "paused")
    still_world.wait_for_status("autumn", "completed")
    assert breaker(still_world, "trunk:spare")["state"] == "closed"
    assert still_world.clock.now() == TUESDAY


def test_an_operators_pause_outlasts_the_breakers_and_the_breakers_the_operators(still_world: World) -> None:
    still_world.campaign("spring", NUMBERS[:20], "[limits]\nmax_concurrent_calls = 5")
    still_world.livekit.set_script({number: [DOWN] for number in NUMBERS})
    still_world.start()
    wait_for_breaker(still_world, "trunk:main", "open")
    still_world.wait_for_status("spring", "paused")
    statuses.pause(still_world.connection, still_world.id("spring"), TUESDAY, "operator anna")
    statuses.resume(still_world.connection, still_world.id("spring"), TUESDAY, "operator anna")
    assert still_world.row("spring")["status"] == "paused"
    statuses.pause(still_world.connection, still_world.id("spring"), TUESDAY, "operator anna")
    before = len(still_world.calls("spring"))
    pass_time(still_world, timedelta(minutes=2))
    assert len(still_world.calls("spring")) == before, "a campaign that an operator holds was used for a probe"
