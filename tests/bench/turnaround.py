"""Turnaround: from the end of one call to the dial request of the next, as LiveKit sees both. A hundred slots, and
always somebody to call."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from supervisor.database.account import temporary_folder
from tests.bench.figures import Figure
from tests.bench.plant import Plant, share, turnarounds_s, wait_for

_SLOTS = 100


def measure(quick: bool) -> Iterable[Figure]:
    """About 25 calls a second end and are followed by others."""
    calls = 400 if quick else 1600
    chance = Random(7)
    with temporary_folder() as folder, Plant(folder) as plant:
        plant.campaign(
            "spring", [chance.uniform(2, 6) for _ in range(calls)], f"[limits]\nmax_concurrent_calls = {_SLOTS}"
        )
        service = plant.ready()
        wait_for(lambda: plant.state()["rings"] == calls, "everybody to be called")
        waited = turnarounds_s(plant.rings(), _SLOTS)
        plant.kill(service)
    yield Figure("turnaround", "end of a call to the next dial, median", share(waited, 0.5) * 1000, "ms", "lower", 5)
    yield Figure("turnaround", "the same, 99th percentile", share(waited, 0.99) * 1000, "ms", "lower", 20)
