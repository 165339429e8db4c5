"""webhooks: how long LiveKit waits for an answer while so many come in a second, and what each costs."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from supervisor.database.account import temporary_folder
from tests.bench.figures import Figure, growth
from tests.bench.plant import KEY, SECRET, Plant, cpu_s, share, wait_for
from tests.http.flood import flood
from tests.http.test_http_server import event, sign

_SIZES = (100, 500)
_WITHIN_MS = 50
_NAMES = ("room_started", "participant_joined", "track_published", "participant_left", "room_finished")


def measure(quick: bool) -> Iterable[Figure]:
    """At two paces, of rooms that are nobody's any more; the target is for the faster."""
    taken = []
    for a_second in _SIZES:
        answers_s, cpu = _measure(a_second, for_s=2 if quick else 20)
        taken.append((len(answers_s), cpu))
        named = f"{a_second} a second"
        median_ms, late_ms = share(answers_s, 0.5) * 1000, share(answers_s, 0.99) * 1000
        within = _WITHIN_MS if a_second == _SIZES[-1] else None
        yield Figure("webhooks", f"{named}: until answered, median", median_ms, "ms", "lower", within)
        yield Figure("webhooks", f"{named}: the same, 99th percentile", late_ms, "ms", "lower")
        yield Figure("webhooks", f"{named}: CPU of each", cpu / len(answers_s) * 1000, "ms", "lower")
    yield growth("webhooks", "CPU", "webhook", *taken)


def _measure(a_second: int, for_s: int) -> tuple[list[float], float]:
    """Each answer's time from when it was due, and the service's CPU, in seconds."""
    bodies = (b" ".join(event(_NAMES[number % len(_NAMES)]).split()) for number in range(a_second * for_s))
    signed = [(sign(body, key=KEY, secret=SECRET), body) for body in bodies]
    with temporary_folder() as folder, Plant(folder) as plant:
        plant.campaign("spring", [86_000.0])
        service = plant.ready()
        wait_for(lambda: plant.state()["calls_in_progress"], "the call to be up")
        before_s = cpu_s(service.pid)
        answers = flood(int(urlsplit(plant.url).port or 0), a_second, signed)
        used_s = cpu_s(service.pid) - before_s
        plant.kill(service)
    assert {status for status, _ in answers} == {200}, "not every webhook was taken"
    return [seconds for _, seconds in answers], used_s
