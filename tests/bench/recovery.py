"""Recovery: the service is killed with calls up, and started again: how long until each of them is followed again."""

from __future__ import annotations

from collections.abc import Iterable
from time import time

from supervisor.database.account import temporary_folder
from tests.bench.figures import Figure, growth
from tests.bench.plant import Plant, said, wait_for

_SIZES = (250, 1000)
_FOREVER_S = 86_000.0


def measure(quick: bool) -> Iterable[Figure]:
    """Of two sizes; the target is for a thousand calls."""
    took = []
    for calls in _SIZES:
        *figures, all_followed = _measure(calls)
        yield from [*figures, all_followed]
        took.append((calls, all_followed.value))
    yield growth("recovery", "time", "call", *took)


def _measure(calls: int) -> Iterable[Figure]:
    with temporary_folder() as folder, Plant(folder) as plant:
        plant.campaign("spring", [_FOREVER_S] * calls)
        first = plant.ready()
        wait_for(
            lambda: plant.read("SELECT count(*) AS n FROM calls WHERE agent_joined_at IS NOT NULL")[0]["n"] == calls,
            "everybody to talk",
        )
        plant.kill(first)
        began = time()
        second = plant.start()
        wait_for(lambda: second.err.count("call_taken_over") == calls, "every call to be taken over")
        (ready,) = said(second, "service_ready")
        taken = said(second, "call_taken_over")
        assert plant.state()["calls_in_progress"] == plant.state()["rings"] == calls, (
            "somebody was hung up, or rung twice"
        )
        plant.kill(second)
    target = 3 if calls == 1000 else None
    yield Figure("recovery", f"{calls} calls: from the process's start until it is ready", ready - began, "s", "lower")
    yield Figure("recovery", f"{calls} calls: until the first is followed again", min(taken) - began, "s", "lower")
    yield Figure("recovery", f"{calls} calls: until all are", max(taken) - began, "s", "lower", target)
