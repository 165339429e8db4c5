"""The series of campaigns: there while a campaign is worked here, and gone when it is not."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric

from actors.campaign.retry import TaskStatus
from actors.outcomes import Outcome
from actors.roster.lifecycle import CONFIG, OPERATOR, Status
from actors.services import BREAKER
from actors.telemetry import CountedTasks, Standing, WorkedCampaign
from supervisor.metrics.instruments import Instruments, gauge_family

STAYS_S = 60.0
"""So long what was counted of a campaign stays after it has left: a few scrapes, that see its last calls."""

_GAUGES = (
    "campaignd_calls_in_progress", "campaignd_abandon_ratio", "campaignd_abandon_limit_ratio", "campaignd_tasks",
    "campaignd_campaign_status", "campaignd_campaign_hold", "campaignd_schedule_open", "campaignd_work_due",
    "campaignd_limit_calls", "campaignd_limit_used_calls", "campaignd_permits_wanted",
    "campaignd_last_dial_timestamp_seconds",
)  # fmt: skip
_BREAKER = BREAKER.rstrip(":")


class CampaignSeries:
    """What is known of each campaign that is worked here, and of those that have just left. Gauges go with the
    campaign: another process may show them now; counters and histograms stay for `STAYS_S`. Safe from every thread."""

    def __init__(self, instruments: Instruments, stopwatch: Callable[[], float]) -> None:
        """`stopwatch`: real seconds."""
        self._stopwatch = stopwatch
        self._lock = threading.Lock()
        self._began = instruments.counter("campaignd_calls_started_total")
        self._ended = instruments.counter("campaignd_calls_ended_total")
        self._talk = instruments.histogram("campaignd_call_duration_seconds")
        self._to_answer = instruments.histogram("campaignd_time_to_answer_seconds")
        self._to_agent = instruments.histogram("campaignd_time_to_agent_seconds")
        self._slot_to_dial = instruments.histogram("campaignd_slot_to_dial_seconds")
        self._campaigns: dict[str, OneCampaign] = {}
        instruments.read_at_scrape(self._collect)

    def worked(self, campaigns: Sequence[WorkedCampaign]) -> None:
        """These are worked here from now on, and no others."""
        with self._lock:
            here = {each.campaign: each for each in campaigns}
            for label, known in self._campaigns.items():
                if label not in here and known.left_at is None:
                    known.left_at = self._stopwatch()
            for label, each in here.items():
                known_before = self._campaigns.get(label)
                if known_before is not None and known_before.row.company != each.company:
                    self._remove(label)
                    known_before = None
                if known_before is None:
                    self._campaigns[label] = self._add(each)
                else:
                    known_before.left_at, known_before.row = None, each
                self._campaigns[label].through(each.trunk)

    def find(self, campaign: str) -> OneCampaign | None:
        """None: it is not worked here, and nothing is to be counted for it."""
        return self._campaigns.get(campaign)

    def forget_gone(self) -> None:
        """Remove what is left of campaigns that left long enough ago."""
        with self._lock:
            longest_gone = self._stopwatch() - STAYS_S
            for label, known in list(self._campaigns.items()):
                if known.left_at is not None and known.left_at <= longest_gone:
                    self._remove(label)

    def _add(self, row: WorkedCampaign) -> OneCampaign:
        labels = (row.company, row.campaign)
        return OneCampaign(
            row,
            began=self._began,
            ended=self._ended,
            talk=self._talk,
            to_answer=self._to_answer.labels(*labels),
            to_agent=self._to_agent.labels(*labels),
            slot_to_dial=self._slot_to_dial.labels(*labels),
        )

    def _remove(self, label: str) -> None:
        gone = self._campaigns.pop(label)
        labels = (gone.row.company, label)
        for histogram in (self._to_answer, self._to_agent, self._slot_to_dial):
            histogram.remove(*labels)
        for trunk in gone.trunks:
            self._began.remove(*labels, trunk)
            self._talk.remove(*labels, trunk)
            for outcome in Outcome:
                self._ended.remove(*labels, trunk, outcome.value)

    def _collect(self) -> Iterable[Metric]:
        with self._lock:
            here = [known for known in self._campaigns.values() if known.left_at is None]
        families = {name: gauge_family(name) for name in _GAUGES}
        for campaign in here:
            campaign.show(families)
        return families.values()


class OneCampaign:
    """One campaign's numbers. Told from the campaign's thread, its calls' and the Roster's; a single value is set or
    counted at a time, so that no lock is needed beyond each counter's own."""

    def __init__(
        self,
        row: WorkedCampaign,
        *,
        began: Counter,
        ended: Counter,
        talk: Histogram,
        to_answer: Histogram,
        to_agent: Histogram,
        slot_to_dial: Histogram,
    ) -> None:
        self.row = row
        self.left_at: float | None = None
        """On the stopwatch: when it was no longer worked here."""
        self.to_answer, self.to_agent, self.slot_to_dial = to_answer, to_agent, slot_to_dial
        self.standing: Standing | None = None
        self.tasks: CountedTasks | None = None
        self.abandon_ratio: float | None = None
        self.trunks: dict[str, Trunk] = {}
        self._last_dial_at: datetime | None = None
        self._began, self._ended, self._talk = began, ended, talk

    def through(self, trunk: str) -> Trunk:
        """What is counted of its calls through this trunk: from the beginning, so that `rate()` sees the first one."""
        if trunk not in self.trunks:
            labels = (self.row.company, self.row.campaign, trunk)
            self.trunks[trunk] = Trunk(
                self._began.labels(*labels),
                {outcome: self._ended.labels(*labels, outcome.value) for outcome in Outcome},
                self._talk.labels(*labels),
            )
        return self.trunks[trunk]

    def began(self, trunk: str, at: datetime) -> None:
        """A dial request leaves."""
        self.through(trunk).began.inc()
        self._last_dial_at = at

    def show(self, families: dict[str, GaugeMetricFamily]) -> None:
        """Add its gauges, as far as they are known."""
        row = self.row
        labels = (row.company, row.campaign)

        def add(name: str, value: float, *more: str) -> None:
            families[f"campaignd_{name}"].add_metric((*labels, *more), value)

        for status in Status:
            add("campaign_status", row.status == status, status.value)
        holds = {hold.partition(":")[0] for hold in row.holds}
        for hold in (OPERATOR, CONFIG, _BREAKER):
            add("campaign_hold", hold in holds, hold)
        last_dial_at = self._last_dial_at
        add("last_dial_timestamp_seconds", last_dial_at.timestamp() if last_dial_at else 0)
        if self.abandon_ratio is not None:
            add("abandon_ratio", self.abandon_ratio)
        if (tasks := self.tasks) is not None:
            for task_status in TaskStatus:
                add("tasks", tasks.by_status.get(task_status.value, 0), task_status.value)
            add("work_due", tasks.work_due)
        if (standing := self.standing) is not None:
            add("calls_in_progress", standing.in_progress, row.trunk)
            add("abandon_limit_ratio", standing.max_abandon_rate)
            add("schedule_open", standing.schedule_open)
            add("permits_wanted", standing.permits_wanted)
            add("limit_calls", _or_any(standing.limits.concurrent), "concurrent")
            add("limit_calls", _or_any(standing.limits.per_minute), "minute")
            add("limit_used_calls", standing.in_progress, "concurrent")
            add("limit_used_calls", standing.begun, "minute")


class Trunk:
    """What is counted of one campaign's calls through one trunk."""

    def __init__(self, began: Counter, ended: dict[Outcome, Counter], talk: Histogram) -> None:
        self.began, self.ended, self.talk = began, ended, talk


def _or_any(limit: int | None) -> float:
    return math.inf if limit is None else limit
