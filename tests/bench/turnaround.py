"""Turnaround: from the end of one call to the dial request of the next, as LiveKit sees both, with always somebody to
call. A hundred slots, and a quarter of them to see how it grows."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from supervisor.database.account import temporary_folder
from tests.bench.figures import Figure
from tests.bench.plant import Plant, memory_mib, share, turnarounds_s, wait_for

_FEW, _MANY = 25, 100


def measure(quick: bool) -> Iterable[Figure]:
    """Of a hundred slots about 25 calls a second end and are followed by others."""
    each = 4 if quick else 16
    medians = []
    for slots in (_FEW, _MANY):
        named = f"{slots} slots"
        waited, memory = _measure(slots, calls=slots * each)
        medians.append(share(waited, 0.5) * 1000)
        late = share(waited, 0.99) * 1000
        to_reach, seldom = (5, 20) if slots == _MANY else (None, None)
        yield Figure(
            "turnaround", f"{named}: end of a call to the next dial, median", medians[-1], "ms", "lower", to_reach
        )
        yield Figure("turnaround", f"{named}: the same, 99th percentile", late, "ms", "lower", seldom)
        yield Figure("turnaround", f"{named}: most memory of the service", memory, "MiB", "lower")
    yield Figure("turnaround", f"median, {_MANY} slots against {_FEW}", medians[1] / medians[0], "×", "lower")


def _measure(slots: int, calls: int) -> tuple[list[float], float]:
    """Each turnaround in seconds, and the service's memory in MiB."""
    chance = Random(7)
    with temporary_folder() as folder, Plant(folder) as plant:
        plant.campaign(
            "spring", [chance.uniform(2, 6) for _ in range(calls)], f"[limits]\nmax_concurrent_calls = {slots}"
        )
        service = plant.ready()
        wait_for(lambda: plant.state()["rings"] == calls, "everybody to be called")
        waited, memory = turnarounds_s(plant.rings(), slots), memory_mib(service.pid)
        plant.kill(service)
    return waited, memory
