"""Pacing: 600 calls a minute of 50 at once, with always somebody to call, counted from LiveKit's rings: how many
windows of a minute hold more, and how much of what is allowed is used."""

from __future__ import annotations

import asyncio
import logging
import sys
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import timedelta
from time import monotonic, sleep, time

import structlog
from livekit import api

from supervisor.config.load import load
from supervisor.config.secrets import Secrets
from supervisor.database.account import temporary_folder
from supervisor.service import Service
from supervisor.simulator import SimulatorThread
from tests.bench.figures import Figure
from tests.bench.plant import KEY, SECRET, Plant, wait_for
from tests.manual_clock import ManualClock
from tests.world import TUESDAY

_PER_MINUTE, _AT_ONCE = 600, 50
_LIMITS = f"[limits]\nmax_concurrent_calls = {_AT_ONCE}\ncalls_per_minute = {_PER_MINUTE}"
_TALK_S = 1.0
_FOREVER_S = 1_000_000.0
_STEP = timedelta(seconds=0.5)
"""Of the moved clock."""
_REST_S = 0.02
"""So long, of real seconds, nothing has happened when a step is done."""
_SPARE = 1.3
"""So many calls more than can begin: there is always somebody to call."""


def measure(quick: bool) -> Iterable[Figure]:
    """A minute and a quarter on the real clock; ten minutes on one that is moved."""
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
    """Service and LiveKit are in this process: another's clock can't be moved. It is moved a step as soon as all is
    done that the last one set off, so that what it takes to make a call counts for nothing; who has talked for long
    enough by this clock is hung up. Of what the service logs only warnings belong beside figures."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    clock = ManualClock(TUESDAY)
    with (
        temporary_folder() as folder,
        Plant(folder) as plant,
        SimulatorThread(api_key=KEY, api_secret=SECRET, now=clock.now) as livekit,
    ):
        plant.use(livekit.url)
        plant.campaign("spring", [_FOREVER_S] * int(_PER_MINUTE * minutes * _SPARE), _LIMITS)
        secrets = Secrets(livekit_api_key=KEY, livekit_api_secret=SECRET, http_token=None)
        service = Service(load(plant.configuration()), secrets, plant.server.dsn, clock, lease=timedelta(hours=1))
        service.start()
        while clock.now() < TUESDAY + timedelta(minutes=minutes, seconds=15):
            _come_to_rest(livekit)
            talked = clock.now() - timedelta(seconds=_TALK_S)
            asyncio.run(_hang_up(livekit, [r.room for r in livekit.rings() if r.at <= talked and r.ended_at is None]))
            _come_to_rest(livekit)
            clock.advance(_STEP)
        rings = livekit.rings()
        service.stop()
        return [ring.at.timestamp() for ring in rings]


def _come_to_rest(livekit: SimulatorThread) -> None:
    """Wait until LiveKit has been asked nothing, and has had nothing to tell, for a while."""
    before, since = livekit.state(), monotonic()
    while monotonic() < since + _REST_S:
        sleep(_REST_S / 5)
        if (state := livekit.state()) != before or state["webhooks"]["pending"]:
            before, since = state, monotonic()


async def _hang_up(livekit: SimulatorThread, rooms: Sequence[str]) -> None:
    async with api.LiveKitAPI(livekit.url, KEY, SECRET) as client:
        await asyncio.gather(*(client.room.delete_room(api.DeleteRoomRequest(room=room)) for room in rooms))


def _watch(plant: Plant, seconds: float) -> None:
    """From the first ring on. The rings are asked for once: they are many, and LiveKit has calls to see to."""
    wait_for(lambda: plant.state()["rings"], "the first ring")
    first = plant.rings()[0].at
    wait_for(lambda: time() > first + seconds, f"{seconds:g} s to pass")
