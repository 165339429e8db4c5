"""Whole calls: claim, room, dial, answer, end, settled, against a bare asyncio loop that makes the same requests.

Both have a hundred calls at once, nobody rings, and who answers talks for a moment, so that the agent can join.
LiveKit's own limit is in both: they take turns with the same process, the bare loop before the service and after it,
for the machine may be slower or faster by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from time import monotonic

from supervisor.database.account import temporary_folder
from tests.bench.bare import BareLoop
from tests.bench.figures import Figure, growth
from tests.bench.plant import Plant, cpu_s, memory_mib, wait_for

_AT_ONCE = 100
_TALK_S = 0.02


@dataclass(frozen=True)
class _Measured:
    """What so many calls took."""

    calls: int
    seconds: float  # through the service
    bare_s: float  # by the bare loop
    memory_mib: float  # of the service, at most
    cpu_s: Mapping[str, float]
    requests: int


def measure(quick: bool) -> Iterable[Figure]:
    """Calls per second through the service, and as a part of the bare loop's. Of two sizes; the target is for the
    larger."""
    few, many = (_measure(calls) for calls in ((150, 600) if quick else (1000, 4000)))
    yield Figure("whole-calls", f"through the service, {many.calls:,} calls", many.calls / many.seconds, "/s", "higher")
    yield Figure("whole-calls", "bare asyncio loop with livekit-api", many.calls / many.bare_s, "/s", "higher")
    yield Figure("whole-calls", "of the bare loop", many.bare_s / many.seconds, "×", "higher", 0.5)
    for part, used_s in many.cpu_s.items():
        yield Figure("whole-calls", f"CPU per call, {part}", used_s / many.calls * 1000, "ms", "lower")
    yield Figure("whole-calls", "requests to LiveKit per call", many.requests / many.calls, "", "lower")
    for each in (few, many):
        yield Figure(
            "whole-calls", f"most memory of the service, {each.calls:,} calls", each.memory_mib, "MiB", "lower"
        )
    yield growth("whole-calls", "time", "call", (few.calls, few.seconds), (many.calls, many.seconds))


def _measure(calls: int) -> _Measured:
    with temporary_folder() as folder, Plant(folder) as plant:
        plant.campaign("spring", [_TALK_S] * calls, f"[limits]\nmax_concurrent_calls = {_AT_ONCE}")
        plant.configuration()  # from now on LiveKit knows what the numbers do
        half = calls // 2
        bare_s = asyncio.run(_bare(plant, range(half)))
        requests, used_s = _requests(plant), plant.cpu_s()
        service = plant.ready()
        wait_for(
            lambda: plant.read("SELECT count(*) AS n FROM call_tasks WHERE status = 'completed'")[0]["n"] == calls,
            "every call to be settled",
        )
        rows = plant.read("SELECT count(*) AS n FROM calls WHERE outcome = 'answered'")
        assert rows[0]["n"] == calls, "not everybody was talked to"
        (first,) = plant.read("SELECT min(claimed_at) AS at, max(ended_at) AS ended_at FROM calls")
        parts = {part: now_s - used_s[part] for part, now_s in plant.cpu_s().items()}
        measured = _Measured(
            calls=calls,
            seconds=(first["ended_at"] - first["at"]).total_seconds(),
            bare_s=bare_s,
            memory_mib=memory_mib(service.pid),
            cpu_s={"service": cpu_s(service.pid), **parts},
            requests=_requests(plant) - requests,
        )
        plant.kill(service)
        return replace(measured, bare_s=bare_s + asyncio.run(_bare(plant, range(half, calls))))


def _requests(plant: Plant) -> int:
    return sum(plant.state()["requests"].values())


async def _bare(plant: Plant, contacts: range) -> float:
    """Seconds that a loop takes which does nothing else."""
    waiting = iter(contacts)
    async with BareLoop(plant) as loop:

        async def work() -> None:
            for contact in waiting:
                room = f"bare-{contact}"
                await loop.make_room(room)
                await loop.talk(room, contact)
                await loop.close_room(room)

        began = monotonic()
        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
        return monotonic() - began
