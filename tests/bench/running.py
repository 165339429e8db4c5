"""Runs benchmarks one after another, each in a process of its own: so that what it says of memory is its own."""

from __future__ import annotations

import multiprocessing
import sys
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from time import perf_counter

from tests.bench.conditions import Processor
from tests.bench.figures import Figure
from tests.bench.registry import measure


@dataclass
class Run:
    """What came of a run of the suite."""

    quick: bool
    figures: list[Figure] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)  # how long each benchmark took
    failures: dict[str, str] = field(default_factory=dict)  # a benchmark that broke → with what


def run(names: Sequence[str], quick: bool) -> Run:
    """Measure these. One that breaks is a failure of the run, and the others go on."""
    done = Run(quick)
    for name in names:
        print(f"{name} …", file=sys.stderr, end=" ", flush=True)
        began, before = perf_counter(), Processor.now()
        try:
            done.figures += _measured(name, quick)
            stolen = Processor.now().stolen_since(before)
            done.figures.append(Figure(name, "processor time that the host gave to others", stolen, "%", "lower"))
        except (Exception, BrokenProcessPool) as error:  # noqa: BLE001 - whatever a benchmark breaks with
            traceback.print_exception(error)
            done.failures[name] = f"{type(error).__name__}: {error}"
        done.seconds[name] = perf_counter() - began
        print(f"{done.seconds[name]:.0f} s", file=sys.stderr, flush=True)
    return done


def _measured(name: str, quick: bool) -> list[Figure]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as process:
        return process.submit(measure, name, quick).result()
