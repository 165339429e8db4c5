"""Many campaigns in one process: how long it takes to start, and what it costs while none of them may call."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic, sleep

from supervisor.database.account import temporary_folder
from tests.acceptance.running import Running
from tests.bench.figures import Figure, growth
from tests.bench.plant import Plant, cpu_s, memory_mib, wait_for

_SIZES = (250, 1000)
_CONTACTS = 5
_CLOSED = "[schedule]\nstart_time = 2099-01-01T00:00:00+00:00"
_WATCHED_S = 30.0


def measure(quick: bool) -> Iterable[Figure]:
    """Of two sizes; the targets are for a thousand campaigns."""
    started = []
    for campaigns in (size // 5 if quick else size for size in _SIZES):
        figures = list(_measure(campaigns, is_full=campaigns == _SIZES[-1]))
        yield from figures
        started.append((campaigns, figures[1].value))
    yield growth("many-campaigns", "time to start", "campaign", *started)


def _measure(campaigns: int, *, is_full: bool) -> Iterable[Figure]:
    with temporary_folder() as folder, Plant(folder) as plant:
        for number in range(campaigns):
            plant.campaign(f"campaign-{number}", [1.0] * _CONTACTS, _CLOSED)
        first, imported_s = _start(plant, campaigns)
        plant.kill(first)
        second, started_s = _start(plant, campaigns)
        sleep(2)
        cpu, began = cpu_s(second.pid), monotonic()
        sleep(_WATCHED_S)
        cpu = (cpu_s(second.pid) - cpu) / (monotonic() - began)
        memory = memory_mib(second.pid)
        plant.kill(second)

    def figure(name: str, value: float, unit: str, target: float | None = None) -> Figure:
        return Figure("many-campaigns", f"{campaigns:,} campaigns: {name}", value, unit, "lower", target)

    yield figure("first start, their lists imported", imported_s, "s")
    yield figure("start", started_s, "s", 5 if is_full else None)
    yield figure("CPU while all are closed, of a core", cpu * 100, "%", 2 if is_full else None)
    yield figure("most memory of the service", memory, "MiB")


def _start(plant: Plant, campaigns: int) -> tuple[Running, float]:
    """The service, and how long it took until it was ready and each campaign worked. Its log says so: to ask it would
    keep it from its work meanwhile."""
    began = monotonic()
    service = plant.start()
    wait_for(
        lambda: "service_ready" in service.err and service.err.count('"campaign_worked"') >= campaigns,
        "every campaign to be worked",
    )
    return service, monotonic() - began
