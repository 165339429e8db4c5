"""The series of campaigns: there while a campaign is worked here, and gone when it is not."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from actors.campaign.retry import TaskStatus
from actors.outcomes import Outcome
from actors.roster.lifecycle import CONFIG, OPERATOR, Status
from actors.services import BREAKER
from actors.telemetry import CountedTasks, Standing, WorkedCampaign
from supervisor.metrics.text import Family, Observations, labels

STAYS_S = 60.0
"""So long what was counted of a campaign stays after it has left: a few scrapes, that see its last calls."""

_BREAKER = BREAKER.rstrip(":")
_STARTED, _ENDED = "campaignd_calls_started_total", "campaignd_calls_ended_total"
_TO_ANSWER, _TO_AGENT = "campaignd_time_to_answer_seconds", "campaignd_time_to_agent_seconds"
_TALK, _SLOT_TO_DIAL = "campaignd_call_duration_seconds", "campaignd_slot_to_dial_seconds"
_NAMES = (
    _STARTED, _ENDED, _TO_ANSWER, _TO_AGENT, _TALK, _SLOT_TO_DIAL,
    "campaignd_calls_in_progress", "campaignd_abandon_ratio", "campaignd_abandon_limit_ratio", "campaignd_tasks",
    "campaignd_campaign_status", "campaignd_campaign_hold", "campaignd_schedule_open", "campaignd_work_due",
    "campaignd_limit_calls", "campaignd_limit_used_calls", "campaignd_permits_wanted",
    "campaignd_last_dial_timestamp_seconds",
)  # fmt: skip

Families = dict[str, Family]


class CampaignSeries:
    """What is known of each campaign that is worked here, and of those that have just left. Gauges go with the
    campaign: another process may show them now; counters and histograms stay for `STAYS_S`. Safe from every thread.

    There are ninety series of each campaign, and a thousand campaigns: numbers are kept, and made text at a scrape."""

    def __init__(self, stopwatch: Callable[[], float]) -> None:
        """`stopwatch`: real seconds."""
        self._stopwatch = stopwatch
        self._lock = threading.Lock()
        self._campaigns: dict[str, OneCampaign] = {}

    def worked(self, campaigns: Sequence[WorkedCampaign]) -> None:
        """These are worked here from now on, and no others."""
        with self._lock:
            here = {each.campaign: each for each in campaigns}
            for label, known in self._campaigns.items():
                if label not in here and known.left_at is None:
                    known.left_at = self._stopwatch()
            for label, each in here.items():
                known_before = self._campaigns.get(label)
                if known_before is None or known_before.row.company != each.company:
                    self._campaigns[label] = OneCampaign(each)
                else:
                    known_before.left_at, known_before.row = None, each
                self._campaigns[label].through(each.trunk)

    def find(self, campaign: str) -> OneCampaign | None:
        """None: it is not worked here, and nothing is to be counted for it."""
        return self._campaigns.get(campaign)

    def exposition(self) -> str:
        """All of it, in Prometheus's text format, without what is left of campaigns that left long enough ago."""
        with self._lock:
            longest_gone = self._stopwatch() - STAYS_S
            for label, known in list(self._campaigns.items()):
                if known.left_at is not None and known.left_at <= longest_gone:
                    del self._campaigns[label]
            campaigns = list(self._campaigns.values())
        families = {name: Family(name) for name in _NAMES}
        for campaign in campaigns:
            campaign.show(families)
        return "".join(family.text() for family in families.values())


class OneCampaign:
    """One campaign's numbers. Told from the campaign's thread, its calls' and the Roster's."""

    def __init__(self, row: WorkedCampaign) -> None:
        self.row = row
        self.left_at: float | None = None
        """On the stopwatch: when it was no longer worked here."""
        self.to_answer, self.to_agent = Observations(_TO_ANSWER), Observations(_TO_AGENT)
        self.slot_to_dial = Observations(_SLOT_TO_DIAL)
        self.standing: Standing | None = None
        self.tasks: CountedTasks | None = None
        self.abandon_ratio: float | None = None
        self._labels = labels({"campaign": row.campaign, "company": row.company})
        self._lock = threading.Lock()
        self._trunks: dict[str, _Trunk] = {}
        self._last_dial_at: datetime | None = None

    def through(self, trunk: str) -> None:
        """Its calls go through this trunk: they are counted from the beginning, so that `rate()` sees the first."""
        with self._lock:
            self._through(trunk)

    def began(self, trunk: str, at: datetime) -> None:
        """A dial request leaves."""
        with self._lock:
            self._through(trunk).began += 1
        self._last_dial_at = at

    def ended(self, trunk: str, outcome: Outcome, talk_s: float | None) -> None:
        """A call is over."""
        with self._lock:
            through = self._through(trunk)
            through.ended[outcome] += 1
        if talk_s is not None:
            through.talk.observe(talk_s)

    def show(self, families: Families) -> None:
        """Add what was counted and timed, and the gauges of one that is worked here, as far as they are known."""
        for name, observed in (
            (_TO_ANSWER, self.to_answer), (_TO_AGENT, self.to_agent), (_SLOT_TO_DIAL, self.slot_to_dial)
        ):  # fmt: skip
            families[name].add_histogram(self._labels, observed)
        with self._lock:
            trunks = list(self._trunks.items())
        for trunk, through in trunks:
            through.show(families, self._labels, f",{labels({'trunk': trunk})}")
        if self.left_at is None:
            self._show_gauges(families)

    def _through(self, trunk: str) -> _Trunk:
        if trunk not in self._trunks:
            self._trunks[trunk] = _Trunk()
        return self._trunks[trunk]

    def _show_gauges(self, families: Families) -> None:
        row, common = self.row, self._labels

        def add(name: str, value: float, more: str = "") -> None:
            families[f"campaignd_{name}"].add(common + more, value)

        for status in Status:
            add("campaign_status", row.status == status, f',status="{status.value}"')
        holds = {hold.partition(":")[0] for hold in row.holds}
        for hold in (OPERATOR, CONFIG, _BREAKER):
            add("campaign_hold", hold in holds, f',hold="{hold}"')
        last_dial_at = self._last_dial_at
        add("last_dial_timestamp_seconds", last_dial_at.timestamp() if last_dial_at else 0)
        if self.abandon_ratio is not None:
            add("abandon_ratio", self.abandon_ratio)
        if (tasks := self.tasks) is not None:
            for task_status in TaskStatus:
                add("tasks", tasks.by_status.get(task_status.value, 0), f',status="{task_status.value}"')
            add("work_due", tasks.work_due)
        if (standing := self.standing) is not None:
            add("calls_in_progress", standing.in_progress, f",{labels({'trunk': row.trunk})}")
            add("abandon_limit_ratio", standing.max_abandon_rate)
            add("schedule_open", standing.schedule_open)
            add("permits_wanted", standing.permits_wanted)
            add("limit_calls", _or_any(standing.limits.concurrent), ',per="concurrent"')
            add("limit_calls", _or_any(standing.limits.per_minute), ',per="minute"')
            add("limit_used_calls", standing.in_progress, ',per="concurrent"')
            add("limit_used_calls", standing.begun, ',per="minute"')


class _Trunk:
    """What is counted of one campaign's calls through one trunk."""

    def __init__(self) -> None:
        self.began = 0
        self.ended = dict.fromkeys(Outcome, 0)
        self.talk = Observations(_TALK)

    def show(self, families: Families, campaign: str, trunk: str) -> None:
        families[_STARTED].add(campaign + trunk, self.began)
        for outcome, count in self.ended.items():
            families[_ENDED].add(f'{campaign},outcome="{outcome.value}"{trunk}', count)
        families[_TALK].add_histogram(campaign, self.talk, trunk)


def _or_any(limit: int | None) -> float:
    return math.inf if limit is None else limit
