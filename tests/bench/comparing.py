"""The committed figures, and whether a run has lost against them. Only ratios are compared: everything else says more
of the machine than of us. Quick runs have figures of their own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.running import Run

COMMITTED = Path(__file__).with_name("committed.json")
ALLOWED_LOSS = 0.20

Ratios = dict[str, dict[str, float]]
"""A benchmark's name → what was measured → the ratio."""


def losses(figures: Iterable[Figure], committed: Ratios) -> Iterator[str]:
    """A sentence for each ratio that is worse than the committed one by more than a fifth. A figure that is new, or was
    not measured this time, loses nothing."""
    for figure in figures:
        before = committed.get(figure.bench, {}).get(figure.name)
        if before is None or not figure.is_ratio:
            continue
        lost = before / figure.value if figure.better == "higher" else figure.value / before
        # As a share of what was: 0.80 of a ratio that should be high, 1.25 times one that should be low.
        if lost > 1 / (1 - ALLOWED_LOSS):
            yield f"{figure.bench}: {figure.name}: {figure.value:.3g} ×, committed {before:.3g} ×"


def read_committed(quick: bool, path: Path = COMMITTED) -> Ratios:
    """The committed ratios; empty where nothing has been committed."""
    if not path.exists():
        return {}
    kinds: dict[str, Ratios] = json.loads(path.read_text(encoding="utf-8"))
    return kinds.get(_kind(quick), {})


def commit(run: Run, path: Path = COMMITTED, *, keep_worse: bool = False) -> None:
    """Make this run's ratios the committed ones; those of benchmarks that it does not have stay. `keep_worse`: and of
    those that it has, the ones which are no better than this run's, so that what is committed is what every host gives.
    """
    kinds: dict[str, Ratios] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    ratios = kinds.setdefault(_kind(run.quick), {})
    for name in {figure.bench for figure in run.figures}:
        before = ratios.get(name, {}) if keep_worse else {}
        measured = [figure for figure in run.figures if figure.bench == name and figure.is_ratio]
        ratios[name] = {f.name: round(_worse(f, before.get(f.name, f.value)), 3) for f in measured}
    path.write_text(json.dumps(kinds, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _worse(figure: Figure, other: float) -> float:
    return min(figure.value, other) if figure.better == "higher" else max(figure.value, other)


def _kind(quick: bool) -> str:
    return "quick" if quick else "full"
