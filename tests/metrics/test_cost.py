"""What metrics cost: under 2 % of the time that a busy run takes of the processor."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from actors.campaign.allowance import Allowance
from actors.campaign.conduct import Conduct
from actors.campaign.settings import CampaignSettings, ScheduleSettings
from supervisor.metrics import Metrics
from supervisor.simulator import Answer
from tests.world import TUESDAY, World

CALLS = 150
MOST = 0.02
SCRAPED_EVERY_S = 15
SIMULATOR = "simulated-livekit"
TOLD = [
    name for name in dir(Metrics)
    if not name.startswith("_") and callable(getattr(Metrics, name)) and name not in ("watch", "exposition")
]  # fmt: skip
"""Everything that is told, by actors and by the process."""


def test_metrics_cost_less_than_two_percent_of_a_busy_run(fast_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that a run tells is told once more to fresh metrics, and timed; with it a scrape every 15 s of a processor
    that has nothing else to do. Both are processor time of this process on this machine, so that their ratio says
    little about the machine. PostgreSQL's time is not in the run's, nor the simulator's."""
    told: list[tuple[str, tuple[Any, ...]]] = []

    def recorded(name: str) -> Callable[..., None]:
        tell = getattr(Metrics, name)

        def record(metrics: Metrics, *values: Any) -> None:
            told.append((name, values))
            tell(metrics, *values)

        return record

    with monkeypatch.context() as patched:
        for name in TOLD:
            patched.setattr(Metrics, name, recorded(name))
        fast_world.campaign("spring", [f"+7945{n:07d}" for n in range(CALLS)], "[limits]\nmax_concurrent_calls = 20\n")
        fast_world.livekit.set_script({f"+7945{n:07d}": [Answer(talk_s=5)] for n in range(CALLS)})
        fast_world.start()
        began = time.process_time() - _simulator_time()
        fast_world.wait_for_status("spring", "completed", 120)
        run_s = time.process_time() - _simulator_time() - began
    standings = sum(name == "campaign_stands" for name, _ in told)
    metrics_s = _least(_time_to_tell, told) + _least(_time_to_look, standings) + _least(_time_of_scrapes, told, run_s)
    assert len(told) > 5 * CALLS, "the run told little: nothing was measured"
    share = metrics_s / run_s
    print(f"{len(told)} told in {CALLS} calls: {metrics_s * 1000:.1f} ms of {run_s:.2f} s, {share:.2%}")
    assert share < MOST


def _least(measure: Callable[..., float], *values: Any) -> float:
    """Without what others on the machine add."""
    return min(measure(*values) for _ in range(5))


def _time_to_tell(told: Sequence[tuple[str, tuple[Any, ...]]]) -> float:
    metrics = Metrics("1")
    tell = [(getattr(metrics, name), values) for name, values in told]
    began = time.thread_time()
    for method, values in tell:
        method(*values)
    return time.thread_time() - began


def _time_to_look(times: int) -> float:
    """What a campaign's actor does to say how it stands, which no other purpose needs."""
    settings = CampaignSettings(
        schedule=ScheduleSettings(timezone="Europe/Moscow", daily_start_time="09:00", daily_end_time="21:00")
    )
    allowance = Allowance(settings.limits)
    allowance.follow(
        running=True,
        held_by=frozenset(),
        needs=frozenset(),
        early=True,
        limits=settings.limits,
        conduct=Conduct(settings),
    )
    began = time.thread_time()
    for _ in range(times):
        allowance.standing(TUESDAY, 1)
    return time.thread_time() - began


def _time_of_scrapes(told: Sequence[tuple[str, tuple[Any, ...]]], run_s: float) -> float:
    """Prometheus looks every 15 s; in a short run once."""
    metrics = Metrics("1")
    for name, values in told:
        getattr(metrics, name)(*values)
    began = time.thread_time()
    metrics.exposition()
    return (time.thread_time() - began) * math.ceil(run_s / SCRAPED_EVERY_S)


def _simulator_time() -> float:
    (thread,) = (each for each in threading.enumerate() if each.name == SIMULATOR)
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
