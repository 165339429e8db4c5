"""The series of campaigns: there from the beginning, gone with the campaign, and only for campaigns worked here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.limiter import CallLimits
from actors.outcomes import Outcome
from actors.telemetry import CountedTasks, Standing, WorkedCampaign
from supervisor.metrics import Metrics
from supervisor.metrics.campaigns import STAYS_S
from tests.world import TUESDAY

SPRING = WorkedCampaign("spring", "acme", "main", "running", frozenset())
AUTUMN = WorkedCampaign("autumn", "acme", "main", "paused", frozenset({"operator", "breaker:trunk:main"}))
STANDING = Standing(2, 7, CallLimits(5, None), 0.03, schedule_open=True, permits_wanted=3)


class Scrape:
    """The metrics of a process, as Prometheus would see them, and the stopwatch that they go by."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.metrics = Metrics("1", lambda: self.seconds)

    def samples(self, campaign: str) -> dict[tuple[str, tuple[str, ...]], float]:
        """Of one campaign: by name and values of its other labels, in the order of the labels' names."""
        return {
            (sample.name, tuple(value for name, value in sorted(sample.labels.items()) if name not in _COMMON)):
                sample.value
            for family in text_string_to_metric_families(self.metrics.exposition().decode())
            for sample in family.samples
            if sample.labels.get("campaign") == campaign
        }  # fmt: skip

    def names(self, campaign: str) -> set[str]:
        return {name for name, _ in self.samples(campaign)}


_COMMON = ("company", "campaign")


@pytest.fixture
def scrape() -> Scrape:
    return Scrape()


def work(scrape: Scrape, *campaigns: WorkedCampaign) -> None:
    scrape.metrics.campaigns_worked(campaigns)


def tell_of_a_call(scrape: Scrape, campaign: str = "spring", trunk: str = "main") -> None:
    scrape.metrics.call_began(campaign, trunk, TUESDAY)
    scrape.metrics.call_answered(campaign, 4.0)
    scrape.metrics.agent_joined(campaign, 0.2)
    scrape.metrics.slot_used(campaign, 0.003)
    scrape.metrics.call_ended(campaign, trunk, Outcome.ANSWERED, 12.5)


def tell_of_gauges(scrape: Scrape, campaign: str = "spring") -> None:
    scrape.metrics.campaign_stands(campaign, STANDING)
    scrape.metrics.abandon_rate(campaign, 0.01)
    scrape.metrics.tasks_counted({campaign: CountedTasks({"pending": 4, "retry": 1}, work_due=True)})


def test_every_counter_is_there_before_the_first_event(scrape: Scrape) -> None:
    """One that appears with its first increase has no rate for it."""
    work(scrape, SPRING)
    samples = scrape.samples("spring")
    assert samples["campaignd_calls_started_total", ("main",)] == 0
    for outcome in Outcome:
        assert samples["campaignd_calls_ended_total", (outcome.value, "main")] == 0
    for histogram, labels in (
        ("time_to_answer_seconds", ()), ("time_to_agent_seconds", ()), ("slot_to_dial_seconds", ()),
        ("call_duration_seconds", ("main",)),
    ):  # fmt: skip
        assert samples[f"campaignd_{histogram}_count", labels] == 0


def test_a_call_is_counted_and_timed(scrape: Scrape) -> None:
    work(scrape, SPRING)
    tell_of_a_call(scrape)
    samples = scrape.samples("spring")
    assert samples["campaignd_calls_started_total", ("main",)] == 1
    assert samples["campaignd_calls_ended_total", ("answered", "main")] == 1
    assert samples["campaignd_calls_ended_total", ("busy", "main")] == 0
    assert samples["campaignd_call_duration_seconds_sum", ("main",)] == 12.5
    assert samples["campaignd_time_to_answer_seconds_sum", ()] == 4.0
    assert samples["campaignd_time_to_agent_seconds_sum", ()] == 0.2
    assert samples["campaignd_slot_to_dial_seconds_sum", ()] == 0.003
    assert samples["campaignd_last_dial_timestamp_seconds", ()] == TUESDAY.timestamp()


def test_a_campaign_shows_how_it_stands(scrape: Scrape) -> None:
    work(scrape, SPRING)
    tell_of_gauges(scrape)
    samples = scrape.samples("spring")
    assert samples["campaignd_calls_in_progress", ("main",)] == 2
    assert samples["campaignd_limit_calls", ("concurrent",)] == 5
    assert samples["campaignd_limit_calls", ("minute",)] == float("inf")
    assert samples["campaignd_limit_used_calls", ("concurrent",)] == 2
    assert samples["campaignd_limit_used_calls", ("minute",)] == 7
    assert samples["campaignd_permits_wanted", ()] == 3
    assert samples["campaignd_schedule_open", ()] == 1
    assert samples["campaignd_abandon_ratio", ()] == 0.01
    assert samples["campaignd_abandon_limit_ratio", ()] == 0.03
    assert samples["campaignd_work_due", ()] == 1
    assert samples["campaignd_last_dial_timestamp_seconds", ()] == 0, "it has not dialed yet"
    tasks = {labels[0]: value for (name, labels), value in samples.items() if name == "campaignd_tasks"}
    assert tasks == {"pending": 4, "in_progress": 0, "retry": 1, "completed": 0, "failed": 0}


def test_status_and_holds_are_one_of_few(scrape: Scrape) -> None:
    """A hold of any breaker is `breaker`: which, the breakers' own metrics say."""
    work(scrape, SPRING, AUTUMN)

    def of(campaign: str, name: str) -> dict[str, float]:
        return {labels[0]: value for (each, labels), value in scrape.samples(campaign).items() if each == name}

    assert of("spring", "campaignd_campaign_hold") == {"operator": 0, "config": 0, "breaker": 0}
    assert of("autumn", "campaignd_campaign_hold") == {"operator": 1, "config": 0, "breaker": 1}
    statuses = {"draft": 0, "running": 0, "paused": 0, "completed": 0, "failed": 0}
    assert of("spring", "campaignd_campaign_status") == {**statuses, "running": 1}
    assert of("autumn", "campaignd_campaign_status") == {**statuses, "paused": 1}


def test_the_gauges_of_a_campaign_go_when_it_is_no_longer_worked_here(scrape: Scrape) -> None:
    """Another process may show them by now. What was counted stays for a few scrapes: they see the last calls."""
    work(scrape, SPRING, AUTUMN)
    tell_of_a_call(scrape)
    tell_of_gauges(scrape)
    work(scrape, AUTUMN)
    assert {name.removesuffix("_total").rsplit("_", 1)[0] for name in scrape.names("spring")} <= {
        "campaignd_calls", "campaignd_time_to_answer_seconds", "campaignd_time_to_agent_seconds",
        "campaignd_call_duration_seconds", "campaignd_slot_to_dial_seconds",
    }  # fmt: skip
    assert scrape.samples("spring")["campaignd_calls_ended_total", ("answered", "main")] == 1
    assert "campaignd_campaign_status" in scrape.names("autumn")


def test_every_series_of_a_removed_campaign_disappears(scrape: Scrape) -> None:
    work(scrape, SPRING)
    tell_of_a_call(scrape, trunk="main")
    tell_of_a_call(scrape, trunk="another")
    tell_of_gauges(scrape)
    work(scrape)
    scrape.seconds += STAYS_S
    assert scrape.samples("spring") == {}


def test_late_news_do_not_bring_a_removed_campaign_back(scrape: Scrape) -> None:
    work(scrape, SPRING)
    work(scrape)
    scrape.seconds += STAYS_S
    scrape.metrics.exposition()
    tell_of_a_call(scrape)
    tell_of_gauges(scrape)
    assert scrape.samples("spring") == {}


def test_nothing_is_counted_for_a_campaign_that_was_never_worked_here(scrape: Scrape) -> None:
    tell_of_a_call(scrape, "winter")
    tell_of_gauges(scrape, "winter")
    assert scrape.samples("winter") == {}


def test_a_campaign_that_comes_back_goes_on_counting_where_it_was(scrape: Scrape) -> None:
    work(scrape, SPRING)
    tell_of_a_call(scrape)
    work(scrape)
    scrape.seconds += STAYS_S / 2
    work(scrape, SPRING)
    scrape.seconds += STAYS_S
    tell_of_a_call(scrape)
    assert scrape.samples("spring")["campaignd_calls_started_total", ("main",)] == 2


def test_a_label_survives_whatever_a_campaign_is_called(scrape: Scrape) -> None:
    odd = 'a "quoted" \\ name\nin two lines'
    work(scrape, WorkedCampaign(odd, "acme", "main", "running", frozenset()))
    tell_of_a_call(scrape, odd)
    assert scrape.samples(odd)["campaignd_calls_started_total", ("main",)] == 1


def series(campaigns: Sequence[WorkedCampaign], contacts: int) -> int:
    """How many series there are after so many calls of each."""
    scrape = Scrape()
    work(scrape, *campaigns)
    for campaign in campaigns:
        tell_of_gauges(scrape, campaign.campaign)
        for number in range(contacts):
            scrape.metrics.call_began(campaign.campaign, "main", TUESDAY + timedelta(seconds=number))
            scrape.metrics.call_ended(campaign.campaign, "main", list(Outcome)[number % len(Outcome)], 1.0 * number)
    return sum(len(scrape.samples(campaign.campaign)) for campaign in campaigns)


def test_the_number_of_series_goes_with_campaigns_and_not_with_contacts() -> None:
    assert series([SPRING], 10) == series([SPRING], 10_000)
    assert series([SPRING, AUTUMN], 10) == 2 * series([SPRING], 10)
