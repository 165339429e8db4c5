"""start: how long a person waits for `campaignd --help`, and callers for the service."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from tests.bench.database import add_tasks, new_database, server, settle_down
from tests.bench.figures import Figure
from tests.crash.contacts import contacts
from tests.crash.scene import Scene
from tests.waiting import wait_until

HELP_S, READY_S = 0.3, 1.5
CAMPAIGNS = 10


def measure(quick: bool) -> Iterable[Figure]:
    """`--help` against the bare interpreter; the service on a database that is there, small and large."""
    times = 3 if quick else 9
    bare_s, help_s = _ended_s(["-c", "pass"], times), _ended_s(["-m", "supervisor", "--help"], times)
    yield Figure("start", "campaignd --help", help_s, "s", "lower", HELP_S)
    yield Figure("start", "campaignd --help against a bare Python", help_s / bare_s, "×", "lower")
    small, large = (100, 10_000) if quick else (1_000, 1_000_000)
    with server() as (dsn, folder), Scene(folder, new_database(dsn, "start"), calls_per_second=1) as scene:
        for campaign in range(CAMPAIGNS):
            scene.campaign(f"c{campaign}", contacts(1, campaign=campaign))
        scene.stop(scene.ready())
        _add(scene, small)
        small_s, small_mib = _ready(scene, times)
        _add(scene, large - small, after=small)
        large_s, large_mib = _ready(scene, times)
    yield Figure("start", f"service to ready, {small:,} tasks", small_s, "s", "lower", READY_S)
    yield Figure("start", f"service to ready, {large:,} tasks", large_s, "s", "lower", READY_S)
    yield Figure("start", f"to ready, {large:,} against {small:,} tasks", large_s / small_s, "×", "lower")
    yield Figure("start", f"memory when ready, {small:,} tasks", small_mib, "MiB", "lower")
    yield Figure("start", f"memory when ready, {large:,} tasks", large_mib, "MiB", "lower")


def _ended_s(arguments: Sequence[str], times: int) -> float:
    """The median of so many runs of `python ARGUMENTS`, each a process of its own."""

    def once() -> float:
        began = perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        return perf_counter() - began

    return median(once() for _ in range(times))


def _add(scene: Scene, tasks: int, after: int = 0) -> None:
    for campaign in scene.read("SELECT id FROM campaigns"):
        add_tasks(scene.connection, campaign["id"], tasks // CAMPAIGNS, after=after)
    settle_down(scene.dsn)


def _ready(scene: Scene, times: int) -> tuple[float, float]:
    """Seconds to ready, and MiB at most until then: medians."""
    runs = [_start_once(scene) for _ in range(times)]
    return median(seconds for seconds, _ in runs), median(mib for _, mib in runs)


def _start_once(scene: Scene) -> tuple[float, float]:
    began = perf_counter()
    service = scene.service()
    wait_until(lambda: service.ended or "service_ready" in service.err, 60, "the service to be ready")
    ready_s = perf_counter() - began
    assert not service.ended, service.err
    peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{service.pid}/status").read_text())
    assert peak is not None
    os.kill(service.pid, signal.SIGKILL)
    service.end()
    return ready_s, int(peak[1]) / 1024
