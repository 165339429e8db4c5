"""What a scrape of the real service shows while it calls: the catalogue, and nothing of a person or a call."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest

from actors.campaign.census import EVERY
from supervisor.metrics.catalogue import CATALOGUE, Kind
from tests.machine import program
from tests.manual_clock import ManualClock
from tests.metrics.scraped import families, scrape, value
from tests.waiting import wait_until
from tests.world import World

NUMBERS = [f"+794500003{n:02d}" for n in range(100)]  # a few of each outcome: the last digits say which
UUID_OR_NUMBER = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|\+?[0-9]{7,}")
ENDED = re.compile(r"^campaignd_calls_ended_total\{.*\} (\S+)$", re.MULTILINE)
LIMITS = "[limits]\nmax_concurrent_calls = 10\n"


def ended(text: str) -> float:
    return sum(float(found) for found in ENDED.findall(text))


@pytest.fixture
def under_load(fast_world: World) -> str:
    """A scrape in the middle of a campaign, when some calls have ended and others are up."""
    fast_world.campaign("spring", NUMBERS, LIMITS)
    fast_world.start()
    return wait_until(lambda: text if ended(text := scrape(fast_world)) >= 30 else "", 60, "calls to end")


def test_the_service_shows_the_catalogue_and_nothing_else(under_load: str) -> None:
    shown = families(under_load)
    assert {name for name in shown if not name.startswith("process_")} == set(CATALOGUE)
    assert {"process_start_time_seconds", "process_cpu_seconds_total", "process_open_fds"} <= shown.keys()
    for name, definition in CATALOGUE.items():
        family = shown[name]
        assert (family.type, family.documentation) == (definition.kind.value, definition.help)
        extra = {"le"} if definition.kind is Kind.HISTOGRAM else set()
        for sample in family.samples:
            assert set(sample.labels) - extra == set(definition.labels), sample
        assert family.samples, f"{name} has no series"


def test_promtool_finds_nothing_wrong_with_a_scrape(under_load: str) -> None:
    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=under_load, capture_output=True, text=True, timeout=60
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_no_label_holds_a_number_or_the_id_of_a_task_or_a_call(under_load: str) -> None:
    for family in families(under_load).values():
        for sample in family.samples:
            for label, text in sample.labels.items():
                assert label == "le" or not UUID_OR_NUMBER.search(text), f"{sample.name}: {label}={text}"


def test_what_it_shows_agrees_with_the_database_when_the_campaign_is_over(fast_world: World) -> None:
    """Its counters are still there then, for Prometheus to see the last calls."""
    numbers = NUMBERS[:40]
    fast_world.campaign("spring", numbers, LIMITS + "[retry]\nmax_retries = 1\n")
    fast_world.start()
    fast_world.wait_for_status("spring", "completed", 60)
    rows = fast_world.read("SELECT outcome, count(*) FROM calls WHERE dialing_at IS NOT NULL GROUP BY outcome")
    text = wait_until(_without_gauges_of("spring", fast_world), 20)
    of = {"company": "acme", "campaign": "spring"}
    for row in rows:
        counted = value(text, "campaignd_calls_ended_total", **of, trunk="main", outcome=row["outcome"])
        assert counted == row["count"], row
    begun = value(text, "campaignd_calls_started_total", **of, trunk="main")
    assert begun == sum(row["count"] for row in rows) == ended(text)
    (answered,) = fast_world.read("SELECT count(*) FROM calls WHERE answered_at IS NOT NULL")
    for histogram, labels in (("time_to_answer_seconds", {}), ("call_duration_seconds", {"trunk": "main"})):
        assert value(text, f"campaignd_{histogram}_count", **of, **labels) == answered["count"]
    assert (value(text, "campaignd_slot_to_dial_seconds_count", **of) or 0) > 0
    assert value(text, "campaignd_results_waiting") == 0
    # The trunk hears of it from a campaign that is no more.
    wait_until(lambda: value(scrape(fast_world), "campaignd_trunk_calls_in_progress", trunk="main") == 0, 20)


def _without_gauges_of(campaign: str, world: World) -> Callable[[], str]:
    def look() -> str:
        text = scrape(world)
        return "" if f'campaignd_campaign_status{{campaign="{campaign}"' in text else text

    return look


def test_a_campaign_shows_what_holds_it_and_what_is_left_to_do(still_world: World) -> None:
    still_world.campaign("spring", NUMBERS[:3], "enabled = false\n[schedule]\nstart_time = 2027-01-01T00:00:00+00:00\n")
    still_world.campaign("autumn", NUMBERS[3:7], "[schedule]\nstart_time = 2027-01-01T00:00:00+00:00\n")
    still_world.start()
    of = {"company": "acme", "campaign": "autumn"}
    clock = still_world.clock
    assert isinstance(clock, ManualClock)

    def counted() -> bool:
        clock.advance(EVERY)  # the census may not have begun to wait for the time before
        return value(scrape(still_world), "campaignd_tasks", **of, status="pending") == 4

    wait_until(counted, 20)
    wait_until(lambda: value(scrape(still_world), "campaignd_schedule_open", **of) == 0, 20)
    text = scrape(still_world)
    assert value(text, "campaignd_work_due", **of) == 1
    assert value(text, "campaignd_campaign_status", **of, status="running") == 1
    assert value(text, "campaignd_last_dial_timestamp_seconds", **of) == 0
    assert value(text, "campaignd_ready") == value(text, "campaignd_database_connected") == 1
    assert not [line for line in text.splitlines() if 'campaign="spring"' in line], "a draft is worked by nobody"


def test_a_start_that_still_imports_has_its_configuration_in_use(still_world: World) -> None:
    """Else a long list would be told as a reload that was refused."""
    seen: list[tuple[float | None, float | None]] = []

    def look(slug: str, done: int, total: int) -> None:
        text = scrape(still_world)
        seen.append((value(text, "campaignd_ready"), value(text, "campaignd_config_last_reload_successful")))

    still_world.campaign("spring", NUMBERS[:3], "[schedule]\nstart_time = 2027-01-01T00:00:00+00:00\n")
    still_world.start(look)
    assert set(seen) == {(0, 1)}
