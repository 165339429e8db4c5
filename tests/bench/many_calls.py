"""Many calls in one process: what each costs in memory, and whether those that end are still followed at once."""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Sequence
from random import Random
from time import monotonic, sleep, time
from urllib.parse import urlsplit

from supervisor.database.account import temporary_folder
from tests.bench.figures import Figure, growth
from tests.bench.plant import Plant, Rang, cpu_s, memory_mib, share, turnarounds_s, wait_for

_SIZES = (2_000, 10_000)
_FOREVER_S = 86_000.0
_COMING_AND_GOING = 10
"""Of so many calls one is short, and followed by another."""
_WATCHED_S = 40.0
_ASK_EVERY_S = 0.02
_SETTLING_S = 5.0
"""Those that ended while the others came up have waited behind these; and those that end last are to be followed yet.
Every ring is told only after that: it takes LiveKit's one thread a second, in which nobody is called."""


def measure(quick: bool) -> Iterable[Figure]:
    """Of two sizes; the targets are for ten thousand calls."""
    taken = []
    for calls in (size // 10 if quick else size for size in _SIZES):
        memory, *others = _measure(calls, is_full=calls == _SIZES[-1])
        yield from [memory, *others]
        taken.append((calls, memory.value))
    yield growth("many-calls", "memory", "call", *taken)


def _measure(calls: int, *, is_full: bool) -> Iterable[Figure]:
    short, chance = calls // _COMING_AND_GOING, Random(7)
    with temporary_folder() as folder, Plant(folder) as plant:
        talks_s = [_FOREVER_S] * (calls - short) + [chance.uniform(20, 60) for _ in range(short * 10)]
        plant.campaign("spring", talks_s, f"[limits]\nmax_concurrent_calls = {calls}")
        service = plant.ready()
        wait_for(lambda: plant.state()["calls_in_progress"] >= calls * 0.998, "all calls to be up", 1800)
        sleep(_SETTLING_S)
        began, cpu = time(), cpu_s(service.pid)
        answers_s = _ask_again_and_again(plant)
        ended = time()
        cpu = (cpu_s(service.pid) - cpu) / (ended - began)
        sleep(_SETTLING_S)
        wait_for(lambda: _all_are_followed(plant.rings(), calls, ended), "those that ended to be followed", 60)
        waited_s = turnarounds_s(plant.rings(), calls, (began, ended))
        memory = memory_mib(service.pid)
        plant.kill(service)

    def figure(name: str, value: float, unit: str, target: float | None = None) -> Figure:
        return Figure("many-calls", f"{calls:,} calls: {name}", value, unit, "lower", target if is_full else None)

    yield figure("most memory of the service", memory, "MiB", 1024)
    yield figure("its answer to /healthz (the event loop's lag and more), 99th percentile", answers_s * 1000, "ms", 100)
    yield figure("end of a call to the next dial, median", share(waited_s, 0.5) * 1000, "ms")
    yield figure("the same, 99th percentile", share(waited_s, 0.99) * 1000, "ms", 100)
    yield Figure(
        "many-calls", f"{calls:,} calls: that end and are followed", len(waited_s) / _WATCHED_S, "/s", "higher"
    )
    yield figure("CPU meanwhile, of a core", cpu * 100, "%")


def _all_are_followed(rings: Sequence[Rang], slots: int, until: float) -> bool:
    return len(rings) - slots >= sum(ring.ended_at is not None and ring.ended_at <= until for ring in rings)


def _ask_again_and_again(plant: Plant) -> float:
    """How long the service takes to answer what its event loop answers alone, at most, in 99 of 100 cases."""
    connection = http.client.HTTPConnection(urlsplit(plant.url).netloc, timeout=60)
    took, ends_at = [], monotonic() + _WATCHED_S
    while monotonic() < ends_at:
        asked = monotonic()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        took.append(monotonic() - asked)
        sleep(_ASK_EVERY_S)
    return share(took, 0.99)
