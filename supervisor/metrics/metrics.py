"""What the service counts and times, in one registry."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from time import monotonic

from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.core import Metric

from actors.jobs.kinds import JobStatus, JobType
from actors.limiter import CallLimits
from actors.outcomes import Outcome
from actors.telemetry import CountedTasks, Standing, WorkedCampaign
from supervisor.metrics.campaigns import CampaignSeries
from supervisor.metrics.instruments import Instruments, counter_family, gauge_family

_BREAKER_STATES = ("closed", "open", "half_open")
_RECORDING_STATES = ("expected", "pending", "downloading", "failed")
_RESULTS = ("stored", "failed")
_RELOADS = ("applied", "unchanged", "refused")
_DIGITS_OF_HASH = 13
"""Of a digest in hexadecimal: as many as a float holds exactly."""


@dataclass(frozen=True)
class Watched:
    """What is read at every scrape, from whichever thread serves it."""

    actors: Callable[[], Mapping[str, tuple[int, int]]]
    """By kind: how many are up, and how many messages wait for them."""
    pool: Callable[[], Mapping[str, int]]
    """The pool's figures, as psycopg_pool names them."""
    messages: Callable[[], Mapping[str, int]]
    """Messages logged, by level."""
    is_ready: Callable[[], bool]
    is_connected: Callable[[], bool]
    """Whether the connection that listens to PostgreSQL is up."""


class Metrics:
    """What the service counts: the series of campaigns, and all others in a registry (the contract is
    `actors.telemetry.Telemetry`)."""

    def __init__(self, version: str, stopwatch: Callable[[], float] = monotonic) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._instruments = make = Instruments(self.registry)
        ProcessCollector(registry=self.registry)
        make.gauge("campaignd_build_info").labels(version).set(1)
        self._loop_lag = make.histogram("campaignd_event_loop_lag_seconds")
        self._campaigns = CampaignSeries(stopwatch)
        self._results_waiting = make.gauge("campaignd_results_waiting")
        self._trunk_limit = make.gauge("campaignd_trunk_limit_calls")
        self._trunk_calls = make.gauge("campaignd_trunk_calls_in_progress")
        self._claim = make.histogram("campaignd_claim_seconds")
        self._settle = make.histogram("campaignd_settle_seconds")
        self._breaker_state = make.gauge("campaignd_breaker_state")
        self._breaker_untried = make.gauge("campaignd_breaker_untried")
        self._breaker_transitions = make.counter("campaignd_breaker_transitions_total")
        self._restarts = make.counter("campaignd_actor_restarts_total")
        self._quarantined = make.counter("campaignd_actors_quarantined_total")
        self._webhooks = make.counter("campaignd_webhooks_total")
        for result in ("accepted", "ignored", "refused"):
            self._webhooks.labels(result)
        self._recordings = make.gauge("campaignd_recordings")
        self._oldest = make.gauge("campaignd_recording_oldest_seconds")
        self._slots = make.gauge("campaignd_recording_slots")
        self._slots_in_use = make.gauge("campaignd_recording_slots_in_use")
        self._downloads = make.histogram("campaignd_recording_download_seconds")
        self._transcripts = make.counter("campaignd_transcripts_total")
        for result in _RESULTS:
            self._transcripts.labels(result)
        self._jobs = make.gauge("campaignd_jobs")
        self._config_good = make.gauge("campaignd_config_last_reload_successful")
        self._config_read_at = make.gauge("campaignd_config_last_reload_success_timestamp_seconds")
        self._config_hash = make.gauge("campaignd_config_hash")
        self._reloads = make.counter("campaignd_config_reloads_total")
        for result in _RELOADS:
            self._reloads.labels(result)

    # Campaigns and their calls

    def campaigns_worked(self, campaigns: Sequence[WorkedCampaign]) -> None:
        self._campaigns.worked(campaigns)

    def tasks_counted(self, tasks: Mapping[str, CountedTasks]) -> None:
        for label, counted in tasks.items():
            if campaign := self._campaigns.find(label):
                campaign.tasks = counted

    def campaign_stands(self, campaign: str, standing: Standing) -> None:
        if known := self._campaigns.find(campaign):
            known.standing = standing

    def abandon_rate(self, campaign: str, share: float) -> None:
        if known := self._campaigns.find(campaign):
            known.abandon_ratio = share

    def call_began(self, campaign: str, trunk: str, at: datetime) -> None:
        if known := self._campaigns.find(campaign):
            known.began(trunk, at)

    def slot_used(self, campaign: str, idle_s: float) -> None:
        if known := self._campaigns.find(campaign):
            known.slot_to_dial.observe(idle_s)

    def call_answered(self, campaign: str, rang_s: float) -> None:
        if known := self._campaigns.find(campaign):
            known.to_answer.observe(rang_s)

    def agent_joined(self, campaign: str, waited_s: float) -> None:
        if known := self._campaigns.find(campaign):
            known.to_agent.observe(waited_s)

    def call_ended(self, campaign: str, trunk: str, outcome: Outcome, talk_s: float | None) -> None:
        if known := self._campaigns.find(campaign):
            known.ended(trunk, outcome, talk_s)

    def results_waiting(self, count: int) -> None:
        self._results_waiting.set(count)

    def claimed(self, campaign: str, tasks: int, seconds: float) -> None:
        self._claim.observe(seconds)

    def settled(self, campaign: str, tasks: int, seconds: float) -> None:
        self._settle.observe(seconds)

    # Recordings and jobs

    def jobs_counted(self, jobs: Mapping[tuple[str, str], int]) -> None:
        for job_type, status in product(JobType, JobStatus):
            self._jobs.labels(job_type.value, status.value).set(jobs.get((job_type.value, status.value), 0))

    def recordings_counted(
        self, recordings: Sequence[tuple[str, str, int]], slots: Sequence[tuple[str, int, int, float]]
    ) -> None:
        counts = {(company, state): count for company, state, count in recordings}
        for company, in_use, most, oldest_s in slots:
            self._slots_in_use.labels(company).set(in_use)
            self._slots.labels(company).set(most)
            self._oldest.labels(company).set(oldest_s)
            for state in _RECORDING_STATES:
                self._recordings.labels(company, state).set(counts.get((company, state), 0))
            for result in _RESULTS:
                self._downloads.labels(company, result)

    def recording_fetched(self, company: str, result: str, seconds: float) -> None:
        self._downloads.labels(company, result).observe(seconds)

    def transcribed(self, result: str) -> None:
        self._transcripts.labels(result).inc()

    # Trunks, breakers and actors

    def trunk_limits(self, trunk: str, limits: CallLimits) -> None:
        for name, limit in (("concurrent", limits.concurrent), ("minute", limits.per_minute)):
            self._trunk_limit.labels(trunk, name).set(math.inf if limit is None else limit)

    def trunk_calls(self, trunk: str, in_progress: int) -> None:
        self._trunk_calls.labels(trunk).set(in_progress)

    def actor_kinds(self, kinds: Collection[str]) -> None:
        for kind in kinds:
            self._restarts.labels(kind)
            self._quarantined.labels(kind)

    def actor_restarted(self, kind: str) -> None:
        self._restarts.labels(kind).inc()

    def actor_quarantined(self, kind: str) -> None:
        self._quarantined.labels(kind).inc()

    def breaker_watched(self, service: str, state: str | None, *, untried: bool) -> None:
        if state is None:
            self._breaker_untried.remove(service)
        else:
            self._breaker_untried.labels(service).set(untried)
        for each in _BREAKER_STATES:
            if state is None:
                self._breaker_state.remove(service, each)
            else:
                self._breaker_state.labels(service, each).set(each == state)
            self._breaker_transitions.labels(service, each)

    def breaker_changed(self, service: str, state: str) -> None:
        self._breaker_transitions.labels(service, state).inc()

    # The process

    def webhook(self, result: str) -> None:
        """A webhook was accepted, ignored (not about a call of ours that is up) or refused (its signature)."""
        self._webhooks.labels(result).inc()

    def loop_called_back(self, late_s: float) -> None:
        """The event loop called back so much later than it was asked to."""
        self._loop_lag.observe(late_s)

    def config_in_use(self, digest: str, read_at: datetime) -> None:
        """The files with this digest (hexadecimal) are in use, as read then: after a good start or reload."""
        self._config_good.set(1)
        self._config_read_at.set(read_at.timestamp())
        self._config_hash.set(int(digest[:_DIGITS_OF_HASH], 16))

    def config_reloaded(self, result: str) -> None:
        """The files were read again: applied, unchanged, or refused, so that older ones are in use."""
        self._reloads.labels(result).inc()
        self._config_good.set(result != "refused")

    def watch(self, watched: Watched) -> None:
        """Have these read at every scrape."""
        self._instruments.read_at_scrape(lambda: _read(watched))

    def exposition(self) -> bytes:
        """Everything, in Prometheus's text format. Takes long where there are many campaigns: not for an event loop."""
        return generate_latest(self.registry) + self._campaigns.exposition().encode()


def _read(watched: Watched) -> Iterable[Metric]:
    ready, connected = gauge_family("campaignd_ready"), gauge_family("campaignd_database_connected")
    ready.add_metric((), watched.is_ready())
    connected.add_metric((), watched.is_connected())
    up, depth = gauge_family("campaignd_actors"), gauge_family("campaignd_mailbox_depth")
    for kind, (count, waiting) in watched.actors().items():
        up.add_metric((kind,), count)
        depth.add_metric((kind,), waiting)
    figures = watched.pool()
    size = figures.get("pool_size", 0)
    pool = {
        "campaignd_pool_connections": size,
        "campaignd_pool_connections_in_use": size - figures.get("pool_available", 0),
        "campaignd_pool_requests_waiting": figures.get("requests_waiting", 0),
    }
    families = [ready, connected, up, depth]
    for name, value in pool.items():
        family = gauge_family(name)
        family.add_metric((), value)
        families.append(family)
    logged = counter_family("campaignd_log_messages_total")
    for level, messages in watched.messages().items():
        logged.add_metric((level,), messages)
    return [*families, logged]
