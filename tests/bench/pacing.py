"""Pacing: 600 calls a minute of 50 at once, with always somebody to call, counted from LiveKit's rings: how many
windows of a minute hold more, and how much of what is allowed is used."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import timedelta
from time import time

import structlog

from supervisor.clock import FastClock
from supervisor.config.load import load
from supervisor.config.secrets import Secrets
from supervisor.database.account import temporary_folder
from supervisor.service import Service
from tests.bench.figures import Figure
from tests.bench.plant import KEY, SECRET, Plant, wait_for
from tests.world import TUESDAY

_PER_MINUTE, _AT_ONCE = 600, 50
_LIMITS = f"[limits]\nmax_concurrent_calls = {_AT_ONCE}\ncalls_per_minute = {_PER_MINUTE}"
_TALK_S = 1.0
_SPEED = 2
"""Of the moved clock. Were it quicker, what a call takes beside its talk would leave too few of its slots: the limit of
calls at once would be measured."""
_SPARE = 1.3
"""So many calls more than can begin: there is always somebody to call."""


def measure(quick: bool) -> Iterable[Figure]:
    """A minute and a quarter on the real clock; ten minutes on one that is moved twice as fast."""
    yield from _figures("a minute", _on_the_real_clock(), 1)
    minutes = 2 if quick else 10
    yield from _figures(f"{minutes} min of a moved clock", _on_a_moved_clock(minutes), minutes)


def _figures(when: str, rings: Sequence[float], minutes: int) -> Iterable[Figure]:
    """`rings` in seconds of the clock that the limit goes by."""
    most = max(bisect_right(rings, ring + 60) - place for place, ring in enumerate(rings))
    violations = sum(bisect_right(rings, ring + 60) - place > _PER_MINUTE for place, ring in enumerate(rings))
    used = bisect_right(rings, rings[0] + 60 * minutes) / (_PER_MINUTE * minutes)
    yield Figure("pacing", f"{when}: windows of 60 s with more than {_PER_MINUTE} rings", violations, "", "lower", 0)
    yield Figure("pacing", f"{when}: rings in the fullest window", most, "", "lower", _PER_MINUTE)
    yield Figure("pacing", f"{when}: used of what is allowed", used * 100, "%", "higher", 99)


def _on_the_real_clock() -> list[float]:
    with temporary_folder() as folder, Plant(folder) as plant:
        plant.campaign("spring", [_TALK_S] * 1000, _LIMITS)
        service = plant.ready()
        _watch(plant, 75)
        plant.kill(service)
        return [ring.at for ring in plant.rings()]


def _on_a_moved_clock(minutes: int) -> list[float]:
    """The service is in this process: another's clock can't be moved. What it logs does not belong among figures."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with temporary_folder() as folder, Plant(folder) as plant:
        plant.campaign("spring", [_TALK_S / _SPEED] * int(_PER_MINUTE * minutes * _SPARE), _LIMITS)
        secrets = Secrets(livekit_api_key=KEY, livekit_api_secret=SECRET, http_token=None)
        clock = FastClock(TUESDAY, _SPEED)
        service = Service(load(plant.configuration()), secrets, plant.server.dsn, clock, lease=timedelta(hours=1))
        service.start()
        _watch(plant, (minutes * 60 + 15) / _SPEED)
        service.stop()
        return [ring.at * _SPEED for ring in plant.rings()]


def _watch(plant: Plant, seconds: float) -> None:
    """From the first ring on. The rings are asked for once: they are many, and LiveKit has calls to see to."""
    wait_for(lambda: plant.state()["rings"], "the first ring")
    first = plant.rings()[0].at
    wait_for(lambda: time() > first + seconds, f"{seconds:g} s to pass")
