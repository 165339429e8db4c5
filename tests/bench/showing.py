"""A run's figures as a person, a document or a program reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.bench.figures import Figure
from tests.bench.running import Run

_REACHED = {True: "yes", False: "no", None: ""}
_COLORS = {True: "green", False: "red", None: ""}


def print_run(run: Run, conditions: Mapping[str, str], console: Console) -> None:
    """One table, with the conditions above it and what failed below."""
    console.print(", ".join(f"{what} {value}" for what, value in conditions.items()), style="dim")
    table = Table(title="quick: small sizes, which only show that it works" if run.quick else None)
    for heading in ("benchmark", "measured"):
        table.add_column(heading)
    for heading in ("figure", "target"):
        table.add_column(heading, justify="right")
    table.add_column("reached")
    before = None
    for figure in run.figures:
        if before not in (None, figure.bench):
            table.add_section()
        reached = Text(_REACHED[figure.reached], style=_COLORS[figure.reached])
        table.add_row("" if before == figure.bench else figure.bench, *_cells(figure), reached)
        before = figure.bench
    console.print(table)
    for name, failure in run.failures.items():
        console.print(f"{name} failed: {failure}", style="red", markup=False)


def as_markdown(run: Run, conditions: Mapping[str, str]) -> str:
    """The conditions and one table, for a document."""
    lines = [
        ", ".join(f"{what} {value}" for what, value in conditions.items()) + ".",
        "",
        "| benchmark | measured | figure | target | reached |",
        "| --- | --- | ---: | ---: | --- |",
    ]
    lines += [
        f"| {figure.bench} | {' | '.join(_cells(figure))} | {_REACHED[figure.reached].replace('no', '**no**')} |"
        for figure in run.figures
    ]
    lines += [f"\n`{name}` failed: {failure}" for name, failure in run.failures.items()]
    return "\n".join(lines) + "\n"


def as_json(run: Run, conditions: Mapping[str, str]) -> dict[str, Any]:
    """One object."""
    figures = [{**asdict(figure), "reached": figure.reached} for figure in run.figures]
    seconds = {name: round(took_s, 1) for name, took_s in run.seconds.items()}
    return {
        "quick": run.quick,
        "conditions": dict(conditions),
        "figures": figures,
        "seconds": seconds,
        "failures": run.failures,
    }


def _cells(figure: Figure) -> tuple[str, str, str]:
    bound = "≥" if figure.better == "higher" else "≤"
    target = "" if figure.target is None else f"{bound} {_number(figure.target)} {figure.unit}"
    return figure.name, f"{_number(figure.value)} {figure.unit}", target


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
