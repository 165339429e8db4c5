"""Which benchmarks there are. Each is a module of this folder with `measure(quick: bool) -> Iterable[Figure]`.
What only the extra `bench` brings is imported when it is measured: tests import these modules without it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from tests.bench.figures import Figure

BENCHMARKS = {
    "ledger": "ledger",
    "claims": "claims",
    "import": "importing",
    "start": "start",
    "whole-calls": "whole_calls",
    "turnaround": "turnaround",
    "webhooks": "webhooks",
    "pacing": "pacing",
    "many-calls": "many_calls",
    "many-campaigns": "many_campaigns",
    "recovery": "recovery",
}
"""A benchmark's name → its module, in the order of the table."""


def measure(name: str, quick: bool) -> list[Figure]:
    """The figures of the benchmark of this name, each of which bears it; `quick`: at a size that only shows that it
    works."""
    figures: Iterable[Figure] = import_module(f"tests.bench.{BENCHMARKS[name]}").measure(quick)
    return list(figures)
