"""Every metric of the service, defined here and nowhere else; told by actors through `actors.telemetry`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from actors.outcomes import Outcome

_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
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
        self._claim = Histogram(
            "campaignd_claim_seconds", "Time a claim of tasks took in PostgreSQL.", buckets=_QUICK,
            registry=self.registry,
        )  # fmt: skip
        self._settle = Histogram(
            "campaignd_settle_seconds", "Time the settlement of a batch of calls took in PostgreSQL.", buckets=_QUICK,
            registry=self.registry,
        )  # fmt: skip
        self._restarts = Counter(
            "campaignd_actor_restarts_total", "Actors started again after a crash.", ("kind",), registry=self.registry
        )
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

    def call_ended(self, campaign: str, trunk: str, outcome: Outcome, talk_s: float | None) -> None:
        self._ended.labels(campaign, trunk, outcome.value).inc()
        if talk_s is not None:
            self._talk.labels(campaign, trunk).observe(talk_s)

    def claimed(self, campaign: str, tasks: int, seconds: float) -> None:
        self._claim.observe(seconds)

    def settled(self, campaign: str, tasks: int, seconds: float) -> None:
        self._settle.observe(seconds)

    def actor_restarted(self, kind: str) -> None:
        self._restarts.labels(kind).inc()

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
