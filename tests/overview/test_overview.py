"""What the overview says is what stands in the ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actors.statements import statement
from supervisor.overview.overview import Load
from supervisor.overview.reading import MOST_CAMPAIGNS, Reader
from tests.overview.scene import CALLEE, NOW, Scene, ago


def test_nothing_yet_is_nothing_everywhere(scene: Scene) -> None:
    seen = scene.overview()
    assert (list(seen.campaigns), list(seen.failures), dict(seen.last_hour)) == ([], [], {})
    assert (seen.in_progress, set(seen.minutes), {hour.calls for hour in seen.hours}) == (0, {0}, {0})
    assert {breaker.state for breaker in seen.breakers} == {"closed"}
    assert not seen.services


def test_calls_stand_against_the_limits_of_their_campaign_company_and_trunk(scene: Scene) -> None:
    spring = scene.campaign("spring", max_concurrent_calls=5, calls_per_minute=10)
    autumn = scene.campaign("autumn", trunk="second")
    scene.call(spring, begun=0.5)
    scene.call(spring, begun=30)
    scene.call(spring, begun=0.2, ended=0.1, outcome="busy")
    scene.call(autumn, begun=0.9)
    seen = scene.overview()
    loads = {campaign.slug: campaign.load for campaign in seen.campaigns}
    assert loads == {"spring": Load(2, 2, 5, 10), "autumn": Load(1, 1, None, None)}
    shared = {(limit.kind, limit.name): limit.load for limit in seen.shared}
    assert shared == {
        ("company", "acme"): Load(3, 3, 50, None),
        ("company", "other"): Load(0, 0, None, None),
        ("trunk", "main"): Load(2, 2, 30, 600),
        ("trunk", "second"): Load(1, 1, None, None),
    }
    assert seen.in_progress == 3
    assert loads["spring"].written == "2 of 5 now, 2 of 10 a minute"


def test_calls_that_are_only_made_ready_are_not_in_progress(scene: Scene) -> None:
    spring = scene.campaign("spring", max_concurrent_calls=1)
    scene.call(spring, begun=0.5)
    scene.call(spring, begun=0, state="claimed", dialing_at=None)
    seen = scene.overview()
    assert [campaign.load.written for campaign in seen.campaigns] == ["1 of 1 now, 1 a minute"]
    assert (seen.in_progress, seen.minutes[-1]) == (1, 1)


def test_a_campaign_of_whose_calls_too_many_find_no_agent_stands_against_what_it_may(scene: Scene) -> None:
    spring = scene.campaign("spring", max_concurrent_calls=5)
    scene.campaign("autumn", max_concurrent_calls=5)
    scene.call(spring, begun=0.5)
    for _ in range(3):
        scene.call(spring, 40, 39, "agent_failed", answered_at=ago(39.5))
    loads = {campaign.slug: campaign.load for campaign in scene.overview().campaigns}
    said = "1 of 1 now, 1 a minute (slowed down: 3.0% of those who answered found no agent)"
    assert (loads["spring"].written, loads["spring"].is_full) == (said, True)
    assert loads["autumn"].written == "0 of 5 now, 0 a minute"


def test_a_campaign_of_one_call_at_once_is_never_slowed_down(scene: Scene) -> None:
    spring = scene.campaign("spring", max_concurrent_calls=1)
    for _ in range(3):
        scene.call(spring, 40, 39, "agent_failed", answered_at=ago(39.5))
    (seen,) = scene.overview().campaigns
    assert seen.load.written == "0 of 1 now, 0 a minute"


def test_the_share_that_a_campaign_allows_holds_at_once(scene: Scene) -> None:
    spring, reader = scene.campaign("spring", max_concurrent_calls=5), Reader()
    for _ in range(3):
        scene.call(spring, 40, 39, "agent_failed", answered_at=ago(39.5))
    (before,) = scene.overview(reader).campaigns
    scene.connection.execute("UPDATE campaigns SET max_abandon_rate = 0.5")
    (after,) = scene.overview(reader).campaigns
    assert (before.load.most_in_progress, after.load.most_in_progress) == (1, 5)


def test_who_found_no_agent_may_be_half_a_minute_old_and_no_older(scene: Scene) -> None:
    spring, reader = scene.campaign("spring", max_concurrent_calls=5), Reader()
    scene.overview(reader)
    for _ in range(3):
        scene.call(spring, 40, 39, "agent_failed", answered_at=ago(39.5))
    (soon,) = scene.overview(reader, ago(-0.4)).campaigns
    (later,) = scene.overview(reader, ago(-0.5)).campaigns
    assert (soon.load.most_in_progress, later.load.most_in_progress) == (5, 1)


def test_a_trunk_that_its_carrier_has_slowed_down_stands_against_what_it_takes(scene: Scene) -> None:
    scene.refused("main", {"calls_per_minute": 60, "too_fast_at": ago(0.2)})
    scene.refused("second", {"max_concurrent_calls": 2.5, "too_many_at": ago(0.2)})
    scene.call(scene.campaign("spring"), begun=0.5)
    written = {limit.name: limit.load.written for limit in scene.overview().shared if limit.kind == "trunk"}
    assert written == {
        "main": "1 of 30 now, 1 of 60 a minute (slowed down: its carrier refused more)",
        "second": "0 of 2 now, 0 a minute (slowed down: its carrier refused more)",
    }
    later = {limit.name: limit.load.written for limit in scene.overview(now=ago(-40)).shared if limit.kind == "trunk"}
    assert later == {"main": "1 of 30 now, 0 of 600 a minute", "second": "0 now, 0 a minute"}


def test_a_trunk_that_is_configured_no_more_is_seen_while_calls_go_through_it(scene: Scene) -> None:
    scene.call(scene.campaign("spring", trunk="former"), begun=3)
    assert ("former", 1) in [(limit.name, limit.load.in_progress) for limit in scene.overview().shared]


def test_outcomes_of_the_last_hour_and_by_the_hour_in_which_calls_began(scene: Scene) -> None:
    spring = scene.campaign("spring")
    for begun, outcome in ((1, "answered"), (15, "busy"), (25, "busy"), (59, "answered"), (61, "no_answer")):
        scene.call(spring, begun, begun, outcome)
    scene.call(spring, 22.5 * 60, 22 * 60, "voicemail")  # 10:50 yesterday
    scene.call(spring, 25 * 60, 25 * 60, "answered")
    scene.call(spring, begun=1)
    seen = scene.overview()
    assert seen.last_hour == {"answered": 2, "busy": 2}
    hours = {f"{hour.start:%d %H}": dict(hour.by_outcome) for hour in seen.hours if hour.calls}
    assert hours == {
        "30 10": {"voicemail": 1},
        "01 08": {"answered": 1, "no_answer": 1, "busy": 1},
        "01 09": {"answered": 1, "busy": 1},
    }
    assert len(seen.hours) == 24 and f"{seen.hours[0].start:%d %H}" == "30 10"


def test_hours_long_past_may_be_five_minutes_old_and_no_older(scene: Scene) -> None:
    spring, reader = scene.campaign("spring"), Reader()
    assert sum(hour.calls for hour in scene.overview(reader).hours) == 0
    scene.call(spring, 300, 299, "answered")
    scene.call(spring, 5, 4, "busy")
    soon, later = NOW + timedelta(minutes=4), NOW + timedelta(minutes=6)
    assert sum(hour.calls for hour in scene.overview(reader, soon).hours) == 1
    assert sum(hour.calls for hour in scene.overview(reader, later).hours) == 2


def test_the_hours_move_on_with_the_clock(scene: Scene) -> None:
    reader = Reader()
    scene.overview(reader)
    seen = scene.overview(reader, NOW + timedelta(hours=1))
    assert [f"{hour.start:%H}" for hour in (seen.hours[0], seen.hours[-1])] == ["11", "10"]


def test_calls_in_progress_minute_by_minute(scene: Scene) -> None:
    spring = scene.campaign("spring")
    scene.call(spring, 90, 30.5, "answered")  # up when the hour began
    scene.call(spring, 40.5, 20.5, "answered")
    scene.call(spring, 10.7, 10.3, "answered")  # within a minute: seen at its end no more
    scene.call(spring, 1.5)
    scene.call(spring, 500)  # for more than eight hours, and still
    minutes = scene.overview().minutes
    assert len(minutes) == 61
    by_minutes_ago = {60 - index: calls for index, calls in enumerate(minutes)}
    assert [by_minutes_ago[ago] for ago in (60, 41, 40, 31, 30, 21, 20, 10, 2, 1, 0)] == [
        2,
        2,
        3,
        3,
        2,
        2,
        1,
        1,
        1,
        2,
        2,
    ]


def test_a_breaker_says_its_state_and_why_since_when_and_when_it_is_tried_again(scene: Scene) -> None:
    scene.breaker("trunk:main", "open", "SIP 503")
    scene.breaker("livekit", "half_open", "502")
    troubled = {breaker.service: breaker for breaker in scene.overview().troubled}
    assert troubled.keys() == {"trunk:main", "livekit"}
    main = troubled["trunk:main"]
    assert (main.state, main.last_error, main.opened_at, main.retry_at) == ("open", "SIP 503", ago(5), ago(-1))
    assert (troubled["livekit"].state, troubled["livekit"].retry_at) == ("half_open", None)


def test_whatever_failed_of_late_is_told_with_its_reason_and_nobodys_number(scene: Scene) -> None:
    spring = scene.campaign("spring")
    scene.campaign(
        "held", status="paused", status_message="Trunk main is failing", status_error=f"no route to {CALLEE}"
    )
    scene.breaker("trunk:main", "open", f"503 for sip:{CALLEE[1:]}@carrier")
    for number in range(3):
        failed = scene.call(spring, 7, 6 - number, "error", error_message=f"refused: +7999123456{number}")
    scene.call(spring, 7, 6, "busy", error_message="486 of no interest")
    scene.failed_recording(failed, f"no file for {CALLEE}")
    scene.failed_job(spring, f"stuck at {CALLEE}")
    told = {failure.source: (failure.said, failure.count, failure.at) for failure in scene.overview().failures}
    assert told == {
        "campaign held": ("Trunk main is failing: no route to ***", 1, NOW),
        "trunk:main": ("503 for sip:***@carrier", 7, ago(4)),
        "calls: error": ("refused: ***", 3, ago(4)),
        "recordings of acme": ("no file for ***", 1, ago(3)),
        "job delete_leads of acme": ("stuck at ***", 1, ago(2)),
    }


def test_times_and_ids_in_an_error_are_no_phone_numbers(scene: Scene) -> None:
    said = "503 at 2026-12-01 09:15:00.123, call 01a217ad-d8c2-76dd-89e5, after 30000 ms"
    scene.breaker("livekit", "open", said)
    assert [failure.said for failure in scene.overview().failures] == [said]


def test_campaigns_that_call_come_first_and_those_left_out_are_counted(scene: Scene) -> None:
    for number in range(MOST_CAMPAIGNS):
        scene.campaign(f"done{number}", status="completed")
    scene.hold(scene.campaign("held", status="paused", status_message="Paused"), "operator")
    scene.campaign("calling", total_tasks=9, completed_tasks=3, failed_tasks=1)
    seen = scene.overview()
    assert [campaign.slug for campaign in seen.campaigns[:2]] == ["calling", "held"]
    assert (seen.campaigns[0].done, seen.campaigns[0].total) == (4, 9)
    assert (seen.campaigns[1].holds, seen.campaigns[1].why) == (("operator",), "Paused [operator]")
    assert (len(seen.campaigns), seen.unlisted) == (MOST_CAMPAIGNS, 2)


def test_who_works_is_seen_while_it_lives(scene: Scene) -> None:
    scene.service()
    assert [service.host for service in scene.overview().services] == ["dialer1"]


@pytest.mark.parametrize("name", ["load", "hours", "last_hour", "minutes", "errors", "campaigns", "trunks"])
def test_no_statement_reads_the_whole_ledger(scene: Scene, name: str) -> None:
    spring = scene.campaign("spring")
    scene.connection.execute(
        "WITH added AS (INSERT INTO call_tasks (id, campaign_id, phone_number, created_at, updated_at)"
        "  SELECT gen_random_uuid(), %(campaign)s, '+7' || (79000000000 + i), %(now)s, %(now)s"
        "  FROM generate_series(1, 20000) AS i RETURNING id, campaign_id, phone_number)"
        " INSERT INTO calls (id, task_id, campaign_id, company_id, trunk, phone_number, attempt, state, outcome,"
        "  claimed_at, dialing_at, ended_at)"
        " SELECT id, id, campaign_id, (SELECT company_id FROM campaigns LIMIT 1), 'main', phone_number, 1, 'ended',"
        "  'busy', at, at, at FROM added,"
        "  LATERAL (SELECT %(now)s::timestamptz - interval '100 days' * random() AS at WHERE id IS NOT NULL) AS times",
        {"campaign": spring, "now": NOW},
    )
    scene.connection.execute("ANALYZE")
    values = {"now": NOW, "since": ago(120), "until": NOW, "longest": timedelta(hours=2), "trunks": ["main"]}
    values |= {"phone_number": "x", "most_campaigns": 5}
    plan = scene.connection.execute(b"EXPLAIN " + statement("supervisor.overview", name), values).fetchall()
    assert not [line for (line,) in plan if "Seq Scan on call" in line]
