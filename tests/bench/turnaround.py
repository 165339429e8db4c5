"""Turnaround: from the end of one call to the dial request of the next, as LiveKit sees both, with always somebody to
call. A hundred slots, and a quarter of them to see how it grows.

A bare asyncio loop is measured beside it, which does only what nobody can do without: it is told of the end, writes one
row that says whom it dials next, durably, and dials in a room that it has made before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from random import Random

from psycopg_pool import AsyncConnectionPool

from supervisor.database.account import temporary_folder
from tests.bench.bare import BareLoop
from tests.bench.figures import Figure
from tests.bench.plant import Plant, memory_mib, share, turnarounds_s, wait_for

_FEW, _MANY = 25, 100
_CONNECTIONS = 10
"""As many as the service has, if it is not told otherwise."""


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
    bare = _measure_bare(_MANY, calls=_MANY * each)
    bare_median, bare_late = share(bare, 0.5) * 1000, share(bare, 0.99) * 1000
    yield Figure("turnaround", f"{_MANY} slots: bare asyncio loop with livekit-api, median", bare_median, "ms", "lower")
    yield Figure("turnaround", f"{_MANY} slots: the same, 99th percentile of it", bare_late, "ms", "lower")
    yield Figure("turnaround", "median, against the bare loop", medians[1] / bare_median, "×", "lower")
    yield Figure("turnaround", "99th percentile, against the bare loop", late / bare_late, "×", "lower")


def _measure(slots: int, calls: int) -> tuple[list[float], float]:
    """Each turnaround in seconds, and the service's memory in MiB."""
    with temporary_folder() as folder, Plant(folder) as plant:
        _have_contacts(plant, slots, calls)
        service = plant.ready()
        wait_for(lambda: plant.state()["rings"] == calls, "everybody to be called")
        waited, memory = turnarounds_s(plant.rings(), slots), memory_mib(service.pid)
        plant.kill(service)
    return waited, memory


def _measure_bare(slots: int, calls: int) -> list[float]:
    with temporary_folder() as folder, Plant(folder) as plant:
        _have_contacts(plant, slots, calls)
        plant.configuration()  # from now on LiveKit knows what the numbers do
        asyncio.run(_call_all(plant, slots, calls))
        return turnarounds_s(plant.rings(), slots)


def _have_contacts(plant: Plant, slots: int, calls: int) -> None:
    chance = Random(7)
    plant.campaign("spring", [chance.uniform(2, 6) for _ in range(calls)], f"[limits]\nmax_concurrent_calls = {slots}")


async def _call_all(plant: Plant, slots: int, calls: int) -> None:
    ready: asyncio.Queue[int | None] = asyncio.Queue(slots // 10)
    plant.connection.execute("CREATE TABLE dialed (contact bigint PRIMARY KEY, at timestamptz NOT NULL)")
    async with (
        AsyncConnectionPool(plant.server.dsn, min_size=_CONNECTIONS, kwargs={"autocommit": True}) as pool,
        BareLoop(plant) as loop,
        asyncio.TaskGroup() as group,
    ):

        async def make_ready() -> None:
            for contact in range(calls):
                await loop.make_room(f"bare-{contact}")
                await ready.put(contact)
            for _ in range(slots):
                await ready.put(None)

        async def work() -> None:
            while (contact := await ready.get()) is not None:
                async with pool.connection() as connection:
                    await connection.execute("INSERT INTO dialed VALUES (%s, now())", (contact,))
                await loop.talk(f"bare-{contact}", contact)
                group.create_task(loop.close_room(f"bare-{contact}"))

        for work_of in (make_ready, *[work] * slots):
            group.create_task(work_of())
