"""A failing service pauses the campaigns that need it; they go on by themselves (product.md, "A failing service")."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection
from structlog.testing import capture_logs

from actors.actor import Reminder
from actors.addresses import RECORDING, SUPERVISOR, Address, trunk_address
from actors.blame import Fault
from actors.breakers.actor import STAND_BACK
from actors.breakers.breaker import State
from actors.breakers.messages import (
    BreakerChanged,
    BreakersConfigured,
    CallAnswered,
    CampaignsChanged,
    ProbeReturned,
    ProbeWanted,
    RecordingJudged,
    WhatFails,
)
from actors.call import CallResult
from actors.campaign.messages import CallEnded, ServicesFailing
from actors.ids import new_id
from actors.outcomes import Outcome
from actors.roster import statuses
from actors.roster.lifecycle import OPERATOR, Hold
from supervisor.simulator import Outage, SimulatorThread
from tests.breakers.scene import LIMITS, Ledger, Process, failing, last, wait_for
from tests.dialer.mailbox import a_call
from tests.waiting import wait_until
from tests.world import TUESDAY

TRUNK = "trunk:main"
AGENTS = "agents:renewals-agent"
PATIENCE = timedelta(seconds=10)  # of `a_call` with its agent


def probe_wanted(process: Process, service: str = TRUNK) -> ProbeWanted:
    """The probe that the trunk was asked for, once it was."""
    permit: ProbeWanted = wait_until(
        lambda: (wanted := last(process.trunk, ProbeWanted)) and wanted.service == service and wanted
    )
    return permit


def fail_agents(process: Process) -> None:
    """So many calls are answered and find no agent that its breaker opens."""
    for _ in range(LIMITS.minimum_calls):
        process.ended(Outcome.AGENT_FAILED, answered_at=TUESDAY - PATIENCE)


# Opening


def test_a_failing_trunk_holds_exactly_the_campaigns_that_dial_through_it(ledger: Ledger, here: Process) -> None:
    through, beside, draft = ledger.campaign(), ledger.campaign(), ledger.campaign(status="draft")
    ledger.change(beside, "trunk", "other")
    here.fail()
    ledger.wait_for_status(through, "paused")
    _, message, error = ledger.status(through)
    assert message == "Paused: circuit breaker trunk:main is open"
    assert error == "SIP 503 of main (3 errors, last at 2026-12-01 09:00:00 UTC)"
    assert ledger.holds(through) == ["breaker:trunk:main"]
    assert (ledger.status(beside)[0], ledger.holds(beside)) == ("running", [])
    assert ledger.holds(draft) == []
    (change,) = ledger.read("SELECT * FROM campaign_status_history WHERE campaign_id = %s", through)
    assert (change["to_status"], change["reason"], change["error"]) == ("paused", message, error)


def test_a_trunk_that_fails_the_few_calls_it_gets_holds_its_campaign_and_says_how_often(
    ledger: Ledger, here: Process
) -> None:
    campaign = ledger.campaign()
    here.fail(1)
    here.tree.advance(600)
    here.ended(Outcome.BUSY, Fault.CALLEE)
    for _ in range(3):
        here.tree.advance(600)
        here.fail(1)
    ledger.wait_for_status(campaign, "paused")
    assert "(3 errors" in (ledger.status(campaign)[2] or "")


def test_every_campaign_and_trunk_is_told_at_once_whoever_asks_too(ledger: Ledger, here: Process) -> None:
    campaign = here.campaign(new_id())
    here.fail()
    wait_for(campaign, failing(TRUNK))
    wait_for(here.trunk, failing(TRUNK))
    here.tell(WhatFails(SUPERVISOR))
    wait_for(here.supervisor, failing(TRUNK))


def test_busy_callees_and_wrong_numbers_say_nothing_against_a_service(ledger: Ledger, here: Process) -> None:
    for _ in range(9):
        here.ended(Outcome.INVALID_NUMBER, Fault.LIST)
        here.ended(Outcome.BUSY, Fault.CALLEE)
        here.ended(Outcome.RATE_LIMITED, Fault.PACE)
        here.ended(Outcome.INTERRUPTED)
    here.tell(CampaignsChanged())
    ledger.wait_for_state(TRUNK, "closed")
    here.actor.stop(timeout=10)  # having heard of all of them
    assert not here.changes(TRUNK) and not here.changes("livekit")


def test_a_trunk_that_knows_no_number_at_all_is_failing(ledger: Ledger, here: Process) -> None:
    for _ in range(11):
        here.ended(Outcome.INVALID_NUMBER, Fault.LIST)
    here.ended(Outcome.INVALID_NUMBER, Fault.LIST)
    ledger.wait_for_state(TRUNK, "open")
    (row,) = ledger.read("SELECT error_count, last_error FROM circuit_breakers WHERE service = %s", TRUNK)
    assert row["error_count"] == 3  # the tenth, the eleventh and the twelfth
    assert "10 numbers in a row do not exist" in row["last_error"]


def test_a_failing_livekit_holds_everybody_and_failing_agents_only_their_campaigns(
    ledger: Ledger, here: Process
) -> None:
    one, other = ledger.campaign(), ledger.campaign()
    ledger.connection.execute(
        "UPDATE skillbases SET agent_name = 'another' WHERE id = (SELECT skillbase_id FROM campaigns WHERE id = %s)",
        (other,),
    )
    fail_agents(here)
    ledger.wait_for_status(one, "paused")
    assert ledger.status(other)[0] == "running"
    for _ in range(3):
        here.ended(Outcome.ERROR, Fault.LIVEKIT)
    ledger.wait_for_status(other, "paused")
    wait_until(lambda: ledger.holds(one) == [f"breaker:{AGENTS}", "breaker:livekit"])


def test_agents_of_the_longest_name_hold_their_campaigns_and_nobody_elses_are_kept_from_it(
    ledger: Ledger, here: Process
) -> None:
    name = "agent" * 51
    campaign, other = ledger.campaign(), ledger.campaign()
    ledger.connection.execute(
        "UPDATE skillbases SET agent_name = %s WHERE id = (SELECT skillbase_id FROM campaigns WHERE id = %s)",
        (name, campaign),
    )
    now = here.tree.clock.now()
    for _ in range(3):
        call = a_call(agent_name=name)
        here.tell(CallEnded(CallResult(call, Outcome.AGENT_FAILED, now, dialing_at=now, answered_at=now - PATIENCE)))
    wait_until(lambda: ledger.holds(campaign) == [f"breaker:agents:{name}"])
    here.fail()
    ledger.wait_for_status(other, "paused")


def test_a_failing_store_holds_only_campaigns_that_record(ledger: Ledger, here: Process) -> None:
    records, does_not = ledger.campaign(), ledger.campaign()
    ledger.change(records, "recording_enabled", True)
    for _ in range(3):
        here.tell(RecordingJudged(new_id(), TUESDAY, "OSError: disk full"))
    ledger.wait_for_status(records, "paused")
    assert ledger.status(does_not)[0] == "running"
    assert "disk full" in (ledger.status(records)[2] or "")


def test_a_campaign_that_is_started_while_a_service_fails_is_held_too(ledger: Ledger, here: Process) -> None:
    here.fail()
    ledger.wait_for_state(TRUNK, "open")
    late, pulsed = ledger.campaign(), ledger.campaign()
    ledger.change(pulsed, "trunk", "other")
    here.tell(CampaignsChanged())
    ledger.wait_for_status(late, "paused")
    assert ledger.status(pulsed)[0] == "running"
    ledger.change(pulsed, "trunk", "main")
    here.tree.advance(30)
    ledger.wait_for_status(pulsed, "paused")


def test_errors_after_the_opening_show_at_a_bounded_rate(ledger: Ledger, here: Process) -> None:
    campaign = ledger.campaign()
    here.fail()
    ledger.wait_for_status(campaign, "paused")
    here.fail(20)
    here.tell(CampaignsChanged())
    here.tree.advance(29)  # it opened now: its probe is not due yet
    assert "(3 errors" in (ledger.status(campaign)[2] or "")
    here.tree.advance(1)
    wait_until(lambda: "(23 errors" in (ledger.status(campaign)[2] or ""))


def test_the_database_allows_exactly_the_states_of_a_breaker(ledger: Ledger) -> None:
    (row,) = ledger.read(
        "SELECT pg_get_constraintdef(oid) AS is FROM pg_constraint WHERE conname = 'chk_breaker_state'"
    )
    assert set(re.findall(r"'([a-z_]+)'", row["is"])) == set(State)


# Closing


def test_a_good_call_closes_the_trunks_breaker_and_campaigns_go_on(ledger: Ledger, here: Process) -> None:
    campaign, told = ledger.campaign(), here.campaign(new_id())
    here.fail()
    ledger.wait_for_status(campaign, "paused")
    here.tree.advance(30)
    probe_wanted(here)
    ledger.wait_for_state(TRUNK, "half_open")
    wait_for(told, failing(TRUNK, probing=(TRUNK,)))
    assert ledger.status(campaign)[0] == "paused"
    now = here.tree.clock.now()
    here.tell(CallAnswered(a_call(), now, now))
    ledger.wait_for_status(campaign, "running")
    wait_for(told, failing())
    assert ledger.holds(campaign) == []
    assert ledger.status(campaign) == ("running", None, None)
    changes = ledger.read("SELECT reason FROM campaign_status_history WHERE campaign_id = %s ORDER BY id", campaign)
    assert changes[-1]["reason"] == "Circuit breaker trunk:main has closed"
    assert here.changes(TRUNK) == {"open": 1, "half_open": 1, "closed": 1}
    assert here.is_counted(TRUNK, "closed") and not here.is_counted(TRUNK, "open")


def test_closing_lifts_nobody_elses_hold(ledger: Ledger, here: Process) -> None:
    campaign = ledger.campaign()
    statuses.hold(ledger.connection, campaign, Hold(OPERATOR, "Paused by Ann"), TUESDAY)
    here.fail()
    wait_until(lambda: len(ledger.holds(campaign)) == 2)
    here.tree.advance(30)
    probe_wanted(here)
    here.ended(Outcome.BUSY, Fault.CALLEE)
    wait_until(lambda: ledger.holds(campaign) == [OPERATOR])
    assert ledger.status(campaign)[:2] == ("paused", "Paused by Ann")


def test_a_failed_probe_and_a_lost_one_are_followed_by_longer_waits(ledger: Ledger, here: Process) -> None:
    here.fail()
    ledger.wait_for_state(TRUNK, "open")
    here.tree.advance(30)
    first = probe_wanted(here)
    here.fail(1)
    ledger.wait_for_state(TRUNK, "open")
    here.tree.advance(60)
    ledger.wait_for_state(TRUNK, "half_open")
    second = wait_until(lambda: (last_one := probe_wanted(here)) != first and last_one)
    here.tree.clock.advance(second.until - here.tree.clock.now())
    ledger.wait_for_state(TRUNK, "open")
    (row,) = ledger.read("SELECT * FROM circuit_breakers WHERE service = %s", TRUNK)
    assert (float(row["open_s"]), row["last_error"]) == (120, "its probe was not answered in time")
    assert row["opened_at"] == TUESDAY


def test_a_trunk_without_anyone_to_call_is_asked_again_and_loses_nothing(ledger: Ledger, here: Process) -> None:
    here.fail()
    ledger.wait_for_state(TRUNK, "open")
    here.tree.advance(30)
    here.tell(ProbeReturned(TRUNK, probe_wanted(here).generation))
    ledger.wait_for_state(TRUNK, "open")
    (row,) = ledger.read("SELECT open_s FROM circuit_breakers WHERE service = %s", TRUNK)
    assert row["open_s"] == 30


def test_a_trunk_that_nobody_may_be_called_through_is_shown_as_untried_until_it_is_tried(
    ledger: Ledger, here: Process
) -> None:
    here.fail()
    ledger.wait_for_state(TRUNK, "open")
    assert not here.is_untried(TRUNK)
    here.tree.advance(30)
    at_night = probe_wanted(here)
    here.tell(ProbeReturned(TRUNK, at_night.generation, shut=True))
    wait_until(lambda: here.is_untried(TRUNK))
    here.tree.advance(30 + STAND_BACK.total_seconds())
    in_the_morning = wait_until(lambda: (wanted := probe_wanted(here)) != at_night and wanted)
    assert not here.is_untried(TRUNK)
    here.tell(ProbeReturned(TRUNK, in_the_morning.generation, shut=False))  # the first who may be called is due soon
    wait_until(lambda: here.changes(TRUNK)["open"] == 3)
    assert not here.is_untried(TRUNK)


def test_an_outage_is_warned_of_once_however_often_the_service_is_tried(ledger: Ledger, here: Process) -> None:
    """Through a trunk nobody may be called at night, and it is asked for a probe all night."""
    with capture_logs() as said:
        here.fail()
        ledger.wait_for_state(TRUNK, "open")
        tried: set[int] = set()

        def tried_again() -> bool:
            here.tree.advance(5)
            wanted = last(here.trunk, ProbeWanted)
            if wanted and wanted.generation not in tried:
                tried.add(wanted.generation)
                here.tell(ProbeReturned(TRUNK, wanted.generation))
            return len(tried) == 3

        wait_until(tried_again)
        here.actor.stop(timeout=10)
    levels = [one["log_level"] for one in said if one["event"] == "breaker_opened"]
    assert levels == ["warning", "info", "info", "info"]


def test_an_answer_that_comes_too_late_keeps_no_trunk_waiting(ledger: Ledger, here: Process) -> None:
    here.fail()
    ledger.wait_for_state(TRUNK, "open")
    here.tree.advance(30)
    late = probe_wanted(here)
    here.tree.clock.advance(late.until - here.tree.clock.now())
    wait_until(lambda: here.changes(TRUNK)["open"] == 2)
    here.tree.advance(60)
    wait_until(lambda: probe_wanted(here) != late)
    here.tell(ProbeReturned(TRUNK, late.generation))
    here.fail(1)
    wait_until(lambda: here.changes(TRUNK)["open"] == 3)
    here.tree.advance(120)
    wait_until(lambda: here.changes(TRUNK)["half_open"] == 3)


def test_livekit_is_asked_for_its_rooms_before_anyone_is_called(
    ledger: Ledger, here: Process, livekit: SimulatorThread
) -> None:
    campaign = ledger.campaign()
    ledger.task(campaign)
    livekit.set_knobs(outages={"all": Outage("http", 503)})
    for _ in range(3):
        here.ended(Outcome.ERROR, Fault.LIVEKIT)
    ledger.wait_for_status(campaign, "paused")
    here.tree.advance(30)
    wait_until(lambda: "no response from servers" in (ledger.status(campaign)[2] or ""))
    assert last(here.trunk, ProbeWanted) is None
    livekit.set_knobs(outages={})
    here.tree.advance(60)
    probe_wanted(here, "livekit")  # its API answers: one call may show whether calls go through
    here.ended(Outcome.NO_ANSWER, Fault.CALLEE)
    ledger.wait_for_status(campaign, "running")


def test_livekit_that_answers_stays_open_until_somebody_can_call_who_waits_for_it(
    ledger: Ledger, here: Process
) -> None:
    """Else each time that the limits allow calls again so many would run into the outage."""
    campaign = ledger.campaign()
    ledger.task(campaign)
    for _ in range(3):
        here.ended(Outcome.ERROR, Fault.LIVEKIT)
    ledger.wait_for_status(campaign, "paused")
    here.tree.advance(30)
    first = probe_wanted(here, "livekit")
    here.tell(ProbeReturned("livekit", first.generation))
    ledger.wait_for_state("livekit", "open")
    assert ledger.status(campaign)[0] == "paused"
    (row,) = ledger.read("SELECT open_s FROM circuit_breakers WHERE service = 'livekit'")
    assert row["open_s"] == 30
    here.tree.advance(35)
    wait_until(lambda: probe_wanted(here, "livekit") != first)
    here.ended(Outcome.NO_ANSWER, Fault.CALLEE)
    ledger.wait_for_status(campaign, "running")


def test_a_call_that_is_to_show_whether_livekit_works_is_looked_for_on_each_trunk(
    ledger: Ledger, here: Process
) -> None:
    spare = here.tree.registrar(trunk_address("spare"))
    here.tell(BreakersConfigured(LIMITS, ("main", "spare", "idle")))
    campaigns = [ledger.campaign(), ledger.campaign()]
    ledger.change(campaigns[1], "trunk", "spare")
    for campaign in campaigns:
        ledger.task(campaign)
    for _ in range(3):
        here.ended(Outcome.ERROR, Fault.LIVEKIT)
    ledger.wait_for_status(campaigns[1], "paused")
    here.tree.advance(30)
    wanted = probe_wanted(here, "livekit")
    assert last(spare, ProbeWanted) is None
    here.tell(ProbeReturned("livekit", wanted.generation))
    wait_for(spare, wanted)
    here.ended(Outcome.BUSY, Fault.CALLEE, trunk="spare")
    ledger.wait_for_state("livekit", "closed")


@pytest.mark.parametrize("shut", [(True, True), (True, False), (False, True)])
def test_livekit_is_untried_when_nobody_may_be_called_through_any_trunk(
    ledger: Ledger, here: Process, shut: tuple[bool, bool]
) -> None:
    spare = here.tree.registrar(trunk_address("spare"))
    here.tell(BreakersConfigured(LIMITS, ("main", "spare")))
    for trunk in ("main", "spare"):
        campaign = ledger.campaign()
        ledger.change(campaign, "trunk", trunk)
        ledger.task(campaign)
    for _ in range(3):
        here.ended(Outcome.ERROR, Fault.LIVEKIT)
    ledger.wait_for_status(campaign, "paused")
    here.tree.advance(30)
    wanted = probe_wanted(here, "livekit")
    here.tell(ProbeReturned("livekit", wanted.generation, shut=shut[0]))
    wait_for(spare, wanted)
    here.tell(ProbeReturned("livekit", wanted.generation, shut=shut[1]))
    wait_until(lambda: here.changes("livekit")["open"] == 2)
    assert here.is_untried("livekit") is all(shut)


def test_livekit_that_does_not_answer_is_tried_whether_or_not_anybody_may_be_called(
    ledger: Ledger, here: Process, livekit: SimulatorThread
) -> None:
    ledger.task(ledger.campaign())
    for _ in range(3):
        here.ended(Outcome.ERROR, Fault.LIVEKIT)
    ledger.wait_for_state("livekit", "open")
    here.tree.advance(30)
    here.tell(ProbeReturned("livekit", probe_wanted(here, "livekit").generation, shut=True))
    wait_until(lambda: here.is_untried("livekit"))
    livekit.set_knobs(outages={"all": Outage("http", 503)})
    here.tree.advance(30 + STAND_BACK.total_seconds())
    wait_until(lambda: here.changes("livekit")["open"] == 3)
    assert not here.is_untried("livekit")


@pytest.mark.parametrize("why", ["no list", "operator", "trunk", "too early", "too late"])
def test_livekit_that_answers_works_when_nobody_waits_for_it_alone(ledger: Ledger, here: Process, why: str) -> None:
    campaign = ledger.campaign()
    if why != "no list":
        ledger.task(campaign)
    if why == "operator":
        statuses.hold(ledger.connection, campaign, Hold(OPERATOR, "Paused by Ann"), TUESDAY)
    if why == "trunk":
        here.fail()
    if why == "too early":
        ledger.change(campaign, "start_time", TUESDAY + timedelta(days=1))
    if why == "too late":
        ledger.change(campaign, "end_time", TUESDAY)
    for _ in range(3):
        here.ended(Outcome.ERROR, Fault.LIVEKIT)
    ledger.wait_for_state("livekit", "open")
    here.tree.advance(30)
    wait_until(lambda: here.changes("livekit").get("closed") == 1)
    ledger.wait_for_state("livekit", "closed")


def test_campaigns_go_on_when_nothing_is_left_to_fetch_that_could_show_whether_the_store_works(
    ledger: Ledger, here: Process
) -> None:
    campaign, recordings = ledger.campaign(), here.tree.registrar(RECORDING)
    ledger.change(campaign, "recording_enabled", True)
    for _ in range(3):
        here.tell(RecordingJudged(new_id(), TUESDAY, "OSError: disk full"))
    ledger.wait_for_status(campaign, "paused")
    here.tree.advance(30)
    wanted = wait_until(lambda: last(recordings, ProbeWanted))
    here.tell(ProbeReturned("recordings", wanted.generation, unneeded=True))
    ledger.wait_for_status(campaign, "running")


def test_agents_are_probed_in_an_empty_room_and_nobody_is_called(
    ledger: Ledger, here: Process, livekit: SimulatorThread
) -> None:
    ledger.campaign()
    livekit.set_knobs(agent_worker=False)
    fail_agents(here)
    ledger.wait_for_state(AGENTS, "open")
    here.tree.advance(30)
    ledger.wait_for_state(AGENTS, "half_open")
    wait_until(lambda: livekit.state()["rooms"] == 1)

    def looks_in_vain() -> bool:
        here.tree.advance(2)
        return ledger.state(AGENTS) == "open"

    wait_until(looks_in_vain)
    (row,) = ledger.read("SELECT last_error, retry_at FROM circuit_breakers WHERE service = %s", AGENTS)
    assert row["last_error"] == "no agent joined an empty room within 10 s"
    wait_until(lambda: livekit.state()["rooms"] == 0)
    livekit.set_knobs(agent_worker=True)
    here.tree.clock.advance(row["retry_at"] - here.tree.clock.now())
    wait_until(lambda: here.participants() == 1)

    def looks() -> bool:
        here.tree.advance(0.1)
        return ledger.state(AGENTS) == "closed"

    wait_until(looks)
    wait_until(lambda: livekit.state()["rooms"] == 0)
    assert livekit.rings() == []


def test_an_agent_that_is_to_show_that_it_works_is_told_all_that_it_is_told_for_a_call(
    ledger: Ledger, here: Process
) -> None:
    """Else one that needs it to come at all would crash in every probe, and its campaigns stay paused for ever."""
    campaign, other = ledger.campaign(), ledger.campaign(status="draft")
    for whose, language in ((campaign, "ru"), (other, "de")):
        ledger.connection.execute(
            "UPDATE skillbases SET metadata = jsonb_build_object('language', %s::text, 'phone_number', 'not theirs')"
            " WHERE id = (SELECT skillbase_id FROM campaigns WHERE id = %s)",
            (language, whose),
        )
    fail_agents(here)
    ledger.wait_for_status(campaign, "paused")
    here.tree.advance(30)
    (told,) = wait_until(here.jobs)
    job = json.loads(told)
    (row,) = ledger.read("SELECT slug FROM campaigns WHERE id = %s", campaign)
    assert UUID(job.pop("call_id"))
    assert job == {
        "language": "ru",
        "campaign": row["slug"],
        "phone_number": "",
        "contact_name": None,
        "contact_data": {},
        "probe": True,
    }


def test_an_agent_of_a_campaign_without_a_slug_is_told_its_id(ledger: Ledger, here: Process) -> None:
    campaign = ledger.campaign()
    ledger.change(campaign, "slug", None)
    fail_agents(here)
    ledger.wait_for_status(campaign, "paused")
    here.tree.advance(30)
    (told,) = wait_until(here.jobs)
    assert json.loads(told)["campaign"] == str(campaign)


def test_agents_that_no_skillbase_names_any_more_need_not_work(
    ledger: Ledger, here: Process, livekit: SimulatorThread
) -> None:
    """Else nobody could ever close their breaker."""
    livekit.set_knobs(agent_worker=False)
    campaign = ledger.campaign()
    fail_agents(here)
    ledger.wait_for_status(campaign, "paused")
    ledger.connection.execute("UPDATE skillbases SET agent_name = 'another'")
    here.tree.advance(30)
    ledger.wait_for_state(AGENTS, "closed")


def test_agents_are_tried_though_livekits_breaker_waits_for_somebody_to_call(ledger: Ledger, here: Process) -> None:
    """Who is to be called may be whoever the agents' breaker holds back."""
    campaign, sleeping = ledger.campaign(), ledger.campaign()
    ledger.connection.execute(
        "UPDATE skillbases SET agent_name = 'another' WHERE id = (SELECT skillbase_id FROM campaigns WHERE id = %s)",
        (sleeping,),
    )
    for one in (campaign, sleeping):
        ledger.task(one)
    fail_agents(here)
    for _ in range(3):
        here.ended(Outcome.ERROR, Fault.LIVEKIT)
    wait_until(lambda: ledger.holds(campaign) == [f"breaker:{AGENTS}", "breaker:livekit"])

    def works() -> bool:
        here.tree.advance(1)
        if wanted := last(here.trunk, ProbeWanted):
            here.tell(ProbeReturned("livekit", wanted.generation))
        return ledger.state(AGENTS) == "closed"

    wait_until(works)
    wait_until(lambda: ledger.holds(campaign) == ["breaker:livekit"])


def test_nothing_else_is_probed_while_livekit_fails(ledger: Ledger, here: Process, livekit: SimulatorThread) -> None:
    livekit.set_knobs(outages={"all": Outage("http", 503)})
    here.fail()
    for _ in range(3):
        here.ended(Outcome.ERROR, Fault.LIVEKIT)
    ledger.wait_for_state("livekit", "open")
    here.tree.advance(30)
    wait_until(lambda: here.changes("livekit").get("open") == 2)
    ledger.wait_for_state("livekit", "open")
    assert last(here.trunk, ProbeWanted) is None
    assert ledger.state(TRUNK) == "open"


def test_a_trunk_that_is_not_configured_any_more_is_left_alone(ledger: Ledger, here: Process) -> None:
    here.fail(trunk="gone")
    ledger.wait_for_state("trunk:gone", "open")
    here.tree.advance(300)
    here.actor.stop(timeout=10)
    assert ledger.state("trunk:gone") == "open"
    assert here.changes("trunk:gone") == {"open": 1}


def test_nobody_is_alerted_of_a_trunk_that_is_not_configured_any_more(ledger: Ledger, here: Process) -> None:
    here.fail()
    ledger.wait_for_state(TRUNK, "open")
    assert here.is_counted(TRUNK, "open")
    here.tell(BreakersConfigured(LIMITS, ("spare",)))
    wait_until(lambda: not here.is_counted(TRUNK, "open"))
    here.actor.stop(timeout=10)
    here.start()
    here.tell(BreakersConfigured(LIMITS, ("main", "spare")))
    wait_until(lambda: here.is_counted(TRUNK, "open"))
    assert here.is_counted("trunk:spare", "closed")


def test_a_trunk_that_is_configured_again_while_its_breaker_is_open_is_tried(ledger: Ledger, here: Process) -> None:
    campaign = ledger.campaign()
    here.fail()
    ledger.wait_for_status(campaign, "paused")
    here.tell(BreakersConfigured(LIMITS, ("spare",)))
    later = here.tree.registrar(Address("later"))
    here.tree.timer.tell_at(here.tree.at(300), Address("later"), Reminder("later", 0, "the retry was told before"))
    here.tree.advance(300)
    wait_until(lambda: later.told)
    here.tell(BreakersConfigured(LIMITS, ("main", "spare")))
    probe_wanted(here)


# Restarts, other processes, PostgreSQL away


def test_a_breaker_stays_open_when_its_process_is_started_again(ledger: Ledger, here: Process) -> None:
    campaign = ledger.campaign()
    here.fail()
    ledger.wait_for_status(campaign, "paused")
    here.actor.stop(timeout=10)
    here.start()
    told = here.campaign(campaign)
    here.tell(WhatFails(SUPERVISOR))
    wait_for(here.supervisor, failing(TRUNK))
    assert ledger.status(campaign)[0] == "paused"
    here.tree.advance(30)
    probe_wanted(here)
    wait_for(told, failing(TRUNK, probing=(TRUNK,)))


def test_a_probe_that_was_lost_with_its_process_is_made_again(ledger: Ledger, here: Process) -> None:
    here.fail()
    ledger.wait_for_state(TRUNK, "open")
    here.tree.advance(30)
    lost = probe_wanted(here)
    ledger.wait_for_state(TRUNK, "half_open")
    here.crash()
    here.start()
    ledger.wait_for_state(TRUNK, "open")
    here.tree.advance(30)
    wait_until(lambda: probe_wanted(here) != lost)


def test_a_probe_is_given_back_by_a_process_that_stops(ledger: Ledger, here: Process) -> None:
    here.fail()
    ledger.wait_for_state(TRUNK, "open")
    here.tree.advance(30)
    probe_wanted(here)
    ledger.wait_for_state(TRUNK, "half_open")
    here.actor.stop(timeout=10)
    assert ledger.state(TRUNK) == "open"


def test_other_processes_follow_and_only_one_probes(ledger: Ledger, here: Process, there: Process) -> None:
    campaign, told = ledger.campaign(), there.campaign(new_id())
    here.fail()
    ledger.wait_for_status(campaign, "paused")
    there.tell(BreakerChanged())
    wait_for(told, failing(TRUNK))
    for process in (here, there):
        process.tree.advance(30)
    asked = wait_until(lambda: [process for process in (here, there) if last(process.trunk, ProbeWanted)])
    asked[0].ended(Outcome.BUSY, Fault.CALLEE)
    ledger.wait_for_status(campaign, "running")
    for process in (here, there):
        process.tell(BreakerChanged())
        process.actor.stop(timeout=10)  # having done all that it was told to
        assert process.is_counted(TRUNK, "closed")
    probes = [told for process in (here, there) for told in process.trunk.told if isinstance(told, ProbeWanted)]
    assert len(probes) == 1


def test_a_process_that_nobody_told_of_a_change_learns_of_it(ledger: Ledger, here: Process, there: Process) -> None:
    """Notifications are lost while it listens to nobody; and whoever has made the change may be gone."""
    campaign = ledger.campaign()
    here.fail()
    ledger.wait_for_status(campaign, "paused")
    here.actor.stop(timeout=10)

    def goes_on() -> bool:
        there.tree.advance(1)
        if last(there.trunk, ProbeWanted):
            there.ended(Outcome.BUSY, Fault.CALLEE)
        return ledger.status(campaign)[0] == "running"

    wait_until(goes_on)


@pytest.mark.parametrize("how", ["ALLOW_CONNECTIONS false", "SET default_transaction_read_only = on"])
def test_what_is_decided_without_postgresql_holds_at_once_and_is_written_later(
    ledger: Ledger, here: Process, dsn: str, how: str
) -> None:
    campaign, told = ledger.campaign(), here.campaign(new_id())
    ledger.wait_for_state(TRUNK, "closed")
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(dsn, dbname="postgres", autocommit=True) as server:
        _shut(server, str(name), how)
        here.pool.check()  # what it has now are connections of afterwards
        here.fail()
        wait_for(told, failing(TRUNK))
        here.actor.ask(WhatFails(trunk_address("main")), timeout=10)  # answered once it has tried to write
        server.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        _shut(server, str(name), "ALLOW_CONNECTIONS true")
    again = ledger.connect()

    def written() -> bool:
        here.tree.advance(5)
        return again.execute("SELECT status FROM campaigns WHERE id = %s", (campaign,)).fetchone() == ("paused",)

    wait_until(written, 30)
    assert here.actor.is_alive()


def _shut(server: Connection, name: str, how: str) -> None:
    server.execute(f"ALTER DATABASE {name} {how}")
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


def test_the_database_tells_of_every_change_of_a_breaker(ledger: Ledger, here: Process) -> None:
    ledger.wait_for_state(TRUNK, "closed")
    listener = ledger.connect()
    listener.execute("LISTEN campaignd")
    here.fail()
    told = [notification.payload for notification in listener.notifies(timeout=10, stop_after=1)]
    assert told == ["breaker:trunk:main"]


@pytest.mark.parametrize("state", ["closed", "open"])
def test_everybody_is_told_where_things_stand_when_the_breakers_start_anew(
    ledger: Ledger, here: Process, state: str
) -> None:
    if state == "open":
        here.fail()
        ledger.wait_for_state(TRUNK, "open")
    here.actor.stop(timeout=10)
    told = here.campaign(new_id())
    here.start()
    wait_until(lambda: last(told, ServicesFailing) == (failing(TRUNK) if state == "open" else failing()))
