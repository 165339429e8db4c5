"""Every metric of the service, defined here and nowhere else; told by actors through `actors.telemetry`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from actors.jobs.kinds import JobStatus, JobType
from actors.limiter import CallLimits
from actors.outcomes import Outcome

_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_BREAKER_STATES = ("closed", "open", "half_open")
_DOWNLOAD = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_RECORDING_STATES = ("expected", "pending", "downloading", "failed")
_RESULTS = ("stored", "failed")
_TO_AGENT = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)
_TALK = (5, 10, 20, 30, 60, 120, 180, 300, 600, 1200, 1800)


class Metrics:
    """The service's registry and what is counted in it (the contract is `actors.telemetry.Telemetry`)."""

    def __init__(self, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        by_campaign = {"labelnames": ("campaign", "trunk"), "registry": self.registry}
        self._began = Counter("campaignd_calls_started_total", "Dial requests sent to LiveKit.", **by_campaign)  # type: ignore[arg-type]
        self._ended = Counter(
            "campaignd_calls_ended_total", "Dialed calls that are over.", ("campaign", "trunk", "outcome"),
            registry=self.registry,
        )  # fmt: skip
        self._talk = Histogram(
            "campaignd_call_duration_seconds", "From the answer to the end of a call.", buckets=_TALK, **by_campaign,  # type: ignore[arg-type]
        )  # fmt: skip
        self._to_agent = Histogram(
            "campaignd_time_to_agent_seconds", "From the answer of a call to its agent's joining.", ("campaign",),
            buckets=_TO_AGENT, registry=self.registry,
        )  # fmt: skip
        self._claim = Histogram(
            "campaignd_claim_seconds", "Time a claim of tasks took in PostgreSQL.", buckets=_QUICK,
            registry=self.registry,
        )  # fmt: skip
        self._settle = Histogram(
            "campaignd_settle_seconds", "Time the settlement of a batch of calls took in PostgreSQL.", buckets=_QUICK,
            registry=self.registry,
        )  # fmt: skip
        self._jobs = Gauge(
            "campaignd_jobs", "Background jobs, of all processes.", ("type", "state"), registry=self.registry
        )
        self._recordings = Gauge(
            "campaignd_recordings", "Recordings that are not stored, of all processes.", ("company", "state"),
            registry=self.registry,
        )  # fmt: skip
        self._slots_in_use = Gauge(
            "campaignd_recording_slots_in_use", "Downloads of recordings under way, of all processes.", ("company",),
            registry=self.registry,
        )  # fmt: skip
        self._slots = Gauge(
            "campaignd_recording_slots", "Downloads of recordings that may be under way at once.", ("company",),
            registry=self.registry,
        )  # fmt: skip
        self._downloads = Histogram(
            "campaignd_recording_download_seconds", "Time that a download of a recording took.",
            ("company", "result"), buckets=_DOWNLOAD, registry=self.registry,
        )  # fmt: skip
        self._transcripts = Counter(
            "campaignd_transcripts_total", "Attempts at transcripts of recordings.", ("result",), registry=self.registry
        )
        for result in _RESULTS:
            self._transcripts.labels(result)
        self._restarts = Counter(
            "campaignd_actor_restarts_total", "Actors started again after a crash.", ("kind",), registry=self.registry
        )
        self._trunk_limit = Gauge(
            "campaignd_trunk_limit_calls", "Calls at once, or begun in a minute, that a trunk is dialed with by now.",
            ("trunk", "per"), registry=self.registry,
        )  # fmt: skip
        self._abandon_rate = Gauge(
            "campaignd_abandon_ratio", "Share of answered calls, of late, that no agent joined.", ("campaign",),
            registry=self.registry,
        )  # fmt: skip
        self._breaker_state = Gauge(
            "campaignd_breaker_state", "1 for the state that a service's circuit breaker is in.", ("service", "state"),
            registry=self.registry,
        )  # fmt: skip
        self._breaker_transitions = Counter(
            "campaignd_breaker_transitions_total", "Circuit breakers that came into a state.", ("service", "state"),
            registry=self.registry,
        )  # fmt: skip
        self._webhooks = Counter(
            "campaignd_webhooks_total", "Webhooks from LiveKit.", ("result",), registry=self.registry
        )
        for result in ("accepted", "ignored", "refused"):
            self._webhooks.labels(result)
        build = GaugeMetricFamily("campaignd_build_info", "Version of this process.", labels=("version",))
        build.add_metric((version,), 1)
        self.registry.register(_Computed(lambda: [build]))

    def call_began(self, campaign: str, trunk: str) -> None:
        self._began.labels(campaign, trunk).inc()

    def agent_joined(self, campaign: str, waited_s: float) -> None:
        self._to_agent.labels(campaign).observe(waited_s)

    def call_ended(self, campaign: str, trunk: str, outcome: Outcome, talk_s: float | None) -> None:
        self._ended.labels(campaign, trunk, outcome.value).inc()
        if talk_s is not None:
            self._talk.labels(campaign, trunk).observe(talk_s)

    def claimed(self, campaign: str, tasks: int, seconds: float) -> None:
        self._claim.observe(seconds)

    def settled(self, campaign: str, tasks: int, seconds: float) -> None:
        self._settle.observe(seconds)

    def jobs_counted(self, jobs: Mapping[tuple[str, str], int]) -> None:
        for job_type, status in product(JobType, JobStatus):
            self._jobs.labels(job_type.value, status.value).set(jobs.get((job_type.value, status.value), 0))

    def recordings_counted(
        self, recordings: Sequence[tuple[str, str, int]], slots: Sequence[tuple[str, int, int]]
    ) -> None:
        counts = {(company, state): count for company, state, count in recordings}
        for company, in_use, most in slots:
            self._slots_in_use.labels(company).set(in_use)
            self._slots.labels(company).set(most)
            for state in _RECORDING_STATES:
                self._recordings.labels(company, state).set(counts.get((company, state), 0))
            for result in _RESULTS:
                self._downloads.labels(company, result)

    def recording_fetched(self, company: str, result: str, seconds: float) -> None:
        self._downloads.labels(company, result).observe(seconds)

    def transcribed(self, result: str) -> None:
        self._transcripts.labels(result).inc()

    def actor_restarted(self, kind: str) -> None:
        self._restarts.labels(kind).inc()

    def trunk_limits(self, trunk: str, limits: CallLimits) -> None:
        for name, limit in (("concurrent", limits.concurrent), ("minute", limits.per_minute)):
            self._trunk_limit.labels(trunk, name).set(math.inf if limit is None else limit)

    def abandon_rate(self, campaign: str, share: float) -> None:
        self._abandon_rate.labels(campaign).set(share)

    def breaker_watched(self, service: str, state: str) -> None:
        for each in _BREAKER_STATES:
            self._breaker_state.labels(service, each).set(each == state)
            self._breaker_transitions.labels(service, each)

    def breaker_changed(self, service: str, state: str) -> None:
        self.breaker_watched(service, state)
        self._breaker_transitions.labels(service, state).inc()

    def webhook(self, result: str) -> None:
        """A webhook was accepted, ignored (not about a call of ours that is up) or refused (its signature)."""
        self._webhooks.labels(result).inc()

    def watch(self, actors: Callable[[], Mapping[str, tuple[int, int]]], pool: Callable[[], Mapping[str, int]]) -> None:
        """Have these read at every scrape: actors by kind, as (how many, messages waiting), and the pool's figures."""

        def collect() -> Iterable[Metric]:
            up = GaugeMetricFamily("campaignd_actors", "Actors that are up.", labels=("kind",))
            depth = GaugeMetricFamily(
                "campaignd_mailbox_depth", "Messages waiting, all mailboxes together.", labels=("kind",)
            )
            for kind, (count, waiting) in actors().items():
                up.add_metric((kind,), count)
                depth.add_metric((kind,), waiting)
            figures = pool()
            in_use = GaugeMetricFamily(
                "campaignd_pool_connections_in_use", "Connections to PostgreSQL in use.",
                value=figures.get("pool_size", 0) - figures.get("pool_available", 0),
            )  # fmt: skip
            waiting_for = GaugeMetricFamily(
                "campaignd_pool_requests_waiting", "Threads waiting for a connection.",
                value=figures.get("requests_waiting", 0),
            )  # fmt: skip
            return [up, depth, in_use, waiting_for]

        self.registry.register(_Computed(collect))

    def exposition(self) -> bytes:
        """Everything, in Prometheus's text format."""
        return generate_latest(self.registry)


class _Computed(Collector):
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()
