"""Makes what counts and times out of the catalogue's definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from supervisor.metrics.catalogue import CATALOGUE


class Instruments:
    """One registry's counters, gauges and histograms, each made once. A name that the catalogue does not have is a
    KeyError."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str) -> Counter:
        """A counter that is in the registry from now on."""
        definition = CATALOGUE[name]
        return Counter(name, definition.help, definition.labels, registry=self._registry)

    def gauge(self, name: str) -> Gauge:
        """A gauge that is in the registry from now on."""
        definition = CATALOGUE[name]
        return Gauge(name, definition.help, definition.labels, registry=self._registry)

    def histogram(self, name: str) -> Histogram:
        """A histogram that is in the registry from now on."""
        definition = CATALOGUE[name]
        return Histogram(name, definition.help, definition.labels, buckets=definition.buckets, registry=self._registry)

    def read_at_scrape(self, collect: Callable[[], Iterable[Metric]]) -> None:
        """Have `collect` called at every scrape; quick, and from any thread."""
        self._registry.register(_Computed(collect))


def gauge_family(name: str) -> GaugeMetricFamily:
    """An empty gauge for `read_at_scrape`."""
    definition = CATALOGUE[name]
    return GaugeMetricFamily(name, definition.help, labels=definition.labels)


def counter_family(name: str) -> CounterMetricFamily:
    """An empty counter for `read_at_scrape`."""
    definition = CATALOGUE[name]
    return CounterMetricFamily(name, definition.help, labels=definition.labels)


class _Computed(Collector):
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()

    def describe(self) -> Iterable[Metric]:
        return ()  # else the registry would call `collect` when it is registered, before there is anything
