"""Our text of Prometheus's format says what prometheus_client's would, line by line."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

from supervisor.metrics.catalogue import CATALOGUE
from supervisor.metrics.text import Family, Observations, labels

TALK, STATUS = CATALOGUE["campaignd_call_duration_seconds"], CATALOGUE["campaignd_campaign_status"]
ODD = 'a "quoted" \\ name\nin two lines'


def test_a_histogram_is_written_like_theirs() -> None:
    registry = CollectorRegistry()
    theirs = Histogram(TALK.name, TALK.help, TALK.labels, buckets=TALK.buckets, registry=registry)
    family = Family(TALK.name)
    for trunk, values in {"main": (0, 4.9, *TALK.buckets, 1e9, 1 / 3), ODD: ()}.items():
        ours, known = Observations(TALK.name), theirs.labels("acme", ODD, trunk)
        for value in values:
            ours.observe(value)
            known.observe(value)
        family.add_histogram(labels({"campaign": ODD, "company": "acme"}), ours, f",{labels({'trunk': trunk})}")
    assert family.text() == _without_created(generate_latest(registry).decode())


def test_a_gauge_is_written_like_theirs() -> None:
    registry = CollectorRegistry()
    theirs = Gauge(STATUS.name, STATUS.help, STATUS.labels, registry=registry)
    family = Family(STATUS.name)
    for status, value in {"running": 1, "paused": 0.1 + 0.2, "draft": float("inf"), "failed": 1.7e12}.items():
        theirs.labels("acme", ODD, status).set(value)
        family.add(labels({"campaign": ODD, "company": "acme", "status": status}), value)
    assert family.text() == generate_latest(registry).decode()


def _without_created(text: str) -> str:
    """Without the time at which each series was made, which the service does not show."""
    return "".join(line for line in text.splitlines(keepends=True) if "_created" not in line)
