"""A scrape of a service, and what it says."""

from __future__ import annotations

import urllib.request

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.world import World


def scrape(world: World) -> str:
    """What the service shows now."""
    with urllib.request.urlopen(f"{world.service.url}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def families(text: str) -> dict[str, Metric]:
    """Under the names that Prometheus sees."""
    parsed = list(text_string_to_metric_families(text))
    return {f"{each.name}_total" if each.type == "counter" else each.name: each for each in parsed}


def value(text: str, name: str, **labels: str) -> float | None:
    """Of the series with exactly these labels."""
    for family in families(text).values():
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return None
