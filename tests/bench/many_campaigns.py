"""Many campaigns in one process: how long it takes to start, and what it costs while none of them may call."""

from __future__ import annotations

import re
from collections.abc import Iterable
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import urlopen

from supervisor.database.account import temporary_folder
from tests.bench.figures import Figure
from tests.bench.plant import Plant, cpu_s, memory_mib, wait_for

_SIZES = (250, 1000)
_CONTACTS = 5
_CLOSED = "[schedule]\nstart_time = 2099-01-01T00:00:00+00:00"
_WATCHED_S = 30.0


def measure(quick: bool) -> Iterable[Figure]:
    """Of two sizes; the targets are for a thousand campaigns."""
    for campaigns in (size // 5 if quick else size for size in _SIZES):
        yield from _measure(campaigns, is_full=campaigns == _SIZES[-1])


def _measure(campaigns: int, *, is_full: bool) -> Iterable[Figure]:
    with temporary_folder() as folder, Plant(folder) as plant:
        for number in range(campaigns):
            plant.campaign(f"campaign-{number}", [1.0] * _CONTACTS, _CLOSED)
        began = monotonic()
        first = plant.start()
        wait_for(lambda: _at_work(plant) == campaigns, "every campaign to be worked")
        imported_s = monotonic() - began
        plant.kill(first)
        began = monotonic()
        second = plant.start()
        wait_for(lambda: "service_ready" in second.err and _at_work(plant) == campaigns, "every campaign to be worked")
        started_s = monotonic() - began
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


def _at_work(plant: Plant) -> int:
    """Campaigns that have an actor which has read all that it was told so far."""
    try:
        with urlopen(f"{plant.url}/metrics", timeout=60) as answer:
            text = answer.read().decode()
    except URLError:
        return 0
    waiting = _figure(text, "campaignd_mailbox_depth")
    return _figure(text, "campaignd_actors") if waiting == 0 else 0


def _figure(text: str, name: str) -> int:
    found = re.search(rf'^{name}{{kind="campaign"}} ([\d.]+)$', text, re.MULTILINE)
    return -1 if found is None else int(float(found[1]))
