"""Prometheus's text format, for series that there are too many of to have an object of prometheus_client's each.
Labels are written by their alphabet, as prometheus_client writes its own."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from threading import Lock

from prometheus_client.utils import floatToGoString

from supervisor.metrics.catalogue import CATALOGUE, Kind


class Family:
    """All series of one metric: its lines, and what is written above them. Used by one thread."""

    def __init__(self, name: str) -> None:
        """`name` is one of the catalogue's; another is a KeyError."""
        definition = CATALOGUE[name]
        self._name = name
        self._bounds = [*map(number, definition.buckets), "+Inf"] if definition.kind is Kind.HISTOGRAM else []
        help_text = definition.help.replace("\\", r"\\").replace("\n", r"\n")
        self._lines = [f"# HELP {name} {help_text}", f"# TYPE {name} {definition.kind.value}"]

    def add(self, labels: str, value: float) -> None:
        """A counter's or a gauge's series. `labels` are as `labels` writes them."""
        self._lines.append(f"{self._name}{{{labels}}} {number(value)}")

    def add_histogram(self, before: str, observed: Observations, after: str = "") -> None:
        """A histogram's series. `le` stands between these labels."""
        counts, total_s = observed.snapshot()
        count, name, add = 0, self._name, self._lines.append
        for bound, more in zip(self._bounds, counts, strict=True):
            count += more
            add(f'{name}_bucket{{{before},le="{bound}"{after}}} {number(count)}')
        add(f"{name}_count{{{before}{after}}} {number(count)}")
        add(f"{name}_sum{{{before}{after}}} {number(total_s)}")

    def text(self) -> str:
        """Everything, each line with its end."""
        return "\n".join(self._lines) + "\n"


class Observations:
    """One series of a histogram: how many values fell into each bucket, and their sum. Safe from every thread."""

    __slots__ = ("_bounds", "_counts", "_lock", "_sum")

    def __init__(self, name: str) -> None:
        """`name` is a histogram's in the catalogue."""
        self._bounds = CATALOGUE[name].buckets
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        self._lock = Lock()

    def observe(self, value: float) -> None:
        """One more value."""
        bucket = bisect_left(self._bounds, value)  # a bound belongs to its bucket
        with self._lock:
            self._counts[bucket] += 1
            self._sum += value

    def snapshot(self) -> tuple[list[int], float]:
        """How many are in each bucket alone, the one without a bound last; and the sum of all."""
        with self._lock:
            return list(self._counts), self._sum


def labels(values: Mapping[str, str]) -> str:
    """Labels as they stand between the braces."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())


def number(value: float) -> str:
    """A value as prometheus_client writes it."""
    written: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return written


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
