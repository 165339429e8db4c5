"""What stands between a campaign and its next call."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actors.blame import Fault
from actors.call import CallResult
from actors.campaign.allowance import NO_HEADROOM, Allowance, Headroom
from actors.campaign.conduct import Conduct
from actors.campaign.settings import CampaignSettings, Limits, ScheduleSettings
from actors.ids import new_id
from actors.outcomes import Outcome
from actors.services import LIVEKIT
from tests.dialer.mailbox import a_call
from tests.world import TUESDAY

TRUNK, AGENTS = "trunk:main", "agents:renewals-agent"
NEEDS = frozenset({LIVEKIT, TRUNK, AGENTS})
FIVE = Limits(max_concurrent_calls=5)
LATE, MOMENT = timedelta(seconds=10), timedelta(milliseconds=1)
"""When an agent is late for `a_call`."""


def allowance(
    *, running: bool = True, held_by: frozenset[str] = frozenset(), settings: CampaignSettings | None = None
) -> Allowance:
    settings = settings or CampaignSettings(limits=FIVE)
    made = Allowance(settings.limits)
    made.follow(
        running=running,
        held_by=held_by,
        needs=NEEDS,
        early=True,
        limits=settings.limits,
        conduct=Conduct(settings),
    )
    return made


def failed_by(fault: Fault | None, probe: str | None = None) -> CallResult:
    return CallResult(a_call(probe=probe), Outcome.ERROR, TUESDAY, fault=fault)


def test_a_running_campaign_may_call_as_its_limit_says() -> None:
    assert allowance().headroom(TUESDAY) == Headroom(5)


def test_a_campaign_that_does_not_run_drains_or_leaves_calls_nobody() -> None:
    draining, leaving = allowance(), allowance()
    draining.draining = leaving.leaving = True
    for closed in (allowance(running=False), draining, leaving):
        assert closed.headroom(TUESDAY) == NO_HEADROOM


@pytest.mark.parametrize("service", sorted(NEEDS))
def test_nothing_begins_while_a_service_fails_that_it_needs(service: str) -> None:
    waiting = allowance()
    waiting.failing = frozenset({service})
    assert waiting.headroom(TUESDAY) == NO_HEADROOM
    waiting.failing = frozenset({"trunk:another", "recordings"})
    assert waiting.headroom(TUESDAY) == Headroom(5)


def test_a_probe_may_pass_its_own_breaker_and_nothing_else() -> None:
    held = allowance(running=False, held_by=frozenset({TRUNK}))
    held.failing = frozenset({TRUNK})
    assert held.headroom_for_probe(TRUNK, TUESDAY) == Headroom(5)
    assert held.headroom(TUESDAY) == NO_HEADROOM
    held.failing = frozenset({TRUNK, LIVEKIT})
    assert held.headroom_for_probe(TRUNK, TUESDAY) == Headroom(0), "LiveKit fails too"
    by_an_operator = allowance(running=False)
    by_an_operator.failing = frozenset({TRUNK})
    assert by_an_operator.headroom_for_probe(TRUNK, TUESDAY) == NO_HEADROOM
    by_two = allowance(running=False, held_by=frozenset({TRUNK, AGENTS}))
    assert by_two.headroom_for_probe(TRUNK, TUESDAY) == Headroom(0)


def test_a_campaign_outside_its_hours_has_no_room_for_a_probe_whatever_fails_besides() -> None:
    later = ScheduleSettings(start_time=TUESDAY + timedelta(hours=1))
    settings = CampaignSettings(limits=FIVE, schedule=later)
    closed = allowance(running=False, held_by=frozenset({TRUNK, AGENTS}), settings=settings)
    assert closed.headroom_for_probe(TRUNK, TUESDAY).shut
    assert not closed.headroom_for_probe(TRUNK, TUESDAY + timedelta(hours=1)).shut


def test_a_failing_service_does_not_keep_a_campaigns_time_from_being_over() -> None:
    over = CampaignSettings(limits=FIVE, schedule=ScheduleSettings(end_time=TUESDAY))
    held = allowance(running=False, held_by=frozenset({TRUNK}), settings=over)
    about_to_be_held = allowance(settings=over)
    for campaign in (held, about_to_be_held):
        campaign.failing = frozenset({TRUNK})
        assert campaign.headroom(TUESDAY) == Headroom(0, shut=True, over=True)
    by_an_operator = allowance(running=False, settings=over)
    assert by_an_operator.headroom(TUESDAY) == NO_HEADROOM


def test_a_closed_window_says_when_it_opens_and_one_that_is_over_that_it_is() -> None:
    later = ScheduleSettings(start_time=TUESDAY + timedelta(hours=1), end_time=TUESDAY + timedelta(hours=2))
    closed = allowance(settings=CampaignSettings(limits=FIVE, schedule=later))
    assert closed.headroom(TUESDAY) == Headroom(0, opens_at=TUESDAY + timedelta(hours=1), shut=True)
    assert closed.headroom(TUESDAY + timedelta(hours=1)) == Headroom(5)
    assert closed.headroom(TUESDAY + timedelta(hours=2)) == Headroom(0, shut=True, over=True)


def test_a_full_minute_says_when_it_has_room_again() -> None:
    busy = allowance(settings=CampaignSettings(limits=Limits(calls_per_minute=1)))
    call_id = new_id()
    busy.limiter.admit(call_id)
    busy.limiter.began(call_id, TUESDAY)
    assert busy.headroom(TUESDAY).calls == 0
    opens_at = busy.headroom(TUESDAY).opens_at
    assert opens_at is not None and opens_at > TUESDAY + timedelta(seconds=60)


def test_answers_that_no_agent_joins_narrow_it_and_their_end_is_told_once_it_does() -> None:
    slow = allowance(settings=CampaignSettings(limits=Limits(max_concurrent_calls=10, max_abandon_rate=0.03)))
    told = []
    for _ in range(3):
        ended = CallResult(a_call(), Outcome.AGENT_FAILED, TUESDAY, answered_at=TUESDAY - LATE)
        told.append(slow.note_end(ended, TUESDAY))
    assert [round(share, 2) for share, _ in told] == [0.01, 0.02, 0.03]
    assert [slower for _, slower in told] == [False, True, True]
    assert slow.headroom(TUESDAY) == Headroom(1)


def test_who_hangs_up_before_an_agent_is_late_was_not_abandoned() -> None:
    calm = allowance(settings=CampaignSettings(limits=Limits(max_concurrent_calls=10, max_abandon_rate=0.03)))
    for _ in range(100):
        ended = CallResult(a_call(), Outcome.AGENT_FAILED, TUESDAY, answered_at=TUESDAY - LATE + MOMENT)
        assert calm.note_end(ended, TUESDAY) == (0, False)


@pytest.mark.parametrize(("outcome", "abandoned"), [(Outcome.ANSWERED, True), (Outcome.VOICEMAIL, False)])
def test_who_had_an_agent_at_last_was_abandoned_all_the_same_and_a_machine_never_is(
    outcome: Outcome, abandoned: bool
) -> None:
    for waited, late in ((LATE - MOMENT, False), (LATE, True)):
        one = allowance()
        ended = CallResult(
            a_call(), outcome, TUESDAY, answered_at=TUESDAY - 3 * LATE, agent_joined_at=TUESDAY - 3 * LATE + waited
        )
        share, _ = one.note_end(ended, TUESDAY)
        assert (share > 0) is (abandoned and late)


def test_what_fails_by_a_service_that_is_known_to_fail_met_an_outage() -> None:
    calm = allowance()
    assert not calm.met_an_outage(failed_by(Fault.TRUNK))
    assert calm.met_an_outage(failed_by(Fault.TRUNK, probe=TRUNK)), "it was the probe"
    assert calm.met_an_outage(failed_by(Fault.LIVEKIT, probe=TRUNK)), "the probe of one for which another failed first"
    assert calm.met_an_outage(failed_by(Fault.OURS))
    calm.failing = frozenset({TRUNK})
    assert calm.met_an_outage(failed_by(Fault.TRUNK))
    assert not calm.met_an_outage(failed_by(Fault.LIVEKIT)), "another service"
    assert not calm.met_an_outage(failed_by(Fault.CALLEE)) and not calm.met_an_outage(failed_by(None)), "nobody's fault"


def test_the_word_of_a_failing_trunk_that_a_number_does_not_exist_is_worth_nothing() -> None:
    calm = allowance()
    assert not calm.met_an_outage(failed_by(Fault.LIST))
    calm.failing = frozenset({TRUNK})
    assert calm.met_an_outage(failed_by(Fault.LIST))


def test_a_campaign_rests_until_it_opens_once_its_last_minute_is_over() -> None:
    closed = ScheduleSettings(daily_start_time="10:00", daily_end_time="20:00")
    resting = allowance(settings=CampaignSettings(limits=FIVE, schedule=closed))
    opens = TUESDAY + timedelta(hours=1)
    assert resting.rests_until(TUESDAY) == opens
    assert resting.rests_until(opens) is None, "it is open"
    call = new_id()
    resting.limiter.admit(call)
    assert resting.rests_until(TUESDAY) is None, "a call is in progress"
    resting.limiter.began(call, TUESDAY)
    resting.limiter.ended(call)
    assert resting.rests_until(TUESDAY + timedelta(seconds=30)) is None, "it is one of its last minute's"
    assert resting.rests_until(TUESDAY + timedelta(seconds=61)) == opens


def test_a_campaign_whose_time_is_over_or_that_is_held_does_not_rest() -> None:
    over = ScheduleSettings(end_time=TUESDAY)
    assert allowance(settings=CampaignSettings(schedule=over)).rests_until(TUESDAY) is None
    assert allowance(running=False).rests_until(TUESDAY) is None
