"""`campaignd demo`: everything at once, with nothing to set up."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from supervisor.commands.options import json_option
from supervisor.commands.run import StopSignals
from supervisor.demo.run import run_demo
from supervisor.logs import set_up_logs
from supervisor.report.summary import CampaignSummary
from supervisor.report.summary import as_json as summaries_as_json
from supervisor.report.tables import summary_table


class _Screen:
    """What a terminal shows meanwhile: a bar for each campaign, the outcomes so far, the demo's clock."""

    def __init__(self, *, live: bool) -> None:
        self.live = live
        self._clock = Text("starting PostgreSQL and the simulated LiveKit …", style="dim")
        self._outcomes = Text()
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TextColumn("{task.fields[doing]}", style="dim"),
        )
        self._bar_of: dict[str, TaskID] = {}

    def show(self, summaries: list[CampaignSummary], now: datetime) -> None:
        outcomes: Counter[str] = Counter()
        for summary in summaries:
            tasks = summary.tasks
            bar = self._bar_of.get(summary.name)
            if bar is None:
                bar = self._bar_of[summary.name] = self._bars.add_task(summary.name, doing="")
            doing = f"{summary.status}, {tasks.in_progress} on the phone, {tasks.retry} to try again"
            self._bars.update(bar, completed=tasks.completed + tasks.failed, total=tasks.total, doing=doing)
            outcomes.update(summary.calls_by_outcome)
        self._clock = Text(f"{now:%A %H:%M:%S} UTC", style="bold")
        self._outcomes = Text("  ".join(f"{outcome} {count}" for outcome, count in outcomes.most_common()))

    def __rich__(self) -> RenderableType:
        return Group(self._clock, self._bars, self._outcomes)


@click.command("demo")
@click.option("--contacts", type=click.IntRange(min=1), help="Make lists of this many contacts in all.")
@click.option(
    "--speed", type=click.FloatRange(min=1, max=1000), default=60, show_default=True,
    help="How many times faster than life the demo's clock runs.",
)  # fmt: skip
@json_option
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep configuration and database here.")
@click.option("--verbose", is_flag=True, help="Show the service's log.")
def command(contacts: int | None, speed: float, as_json: bool, keep: Path | None, verbose: bool) -> None:
    """Run the sample campaigns against a simulated LiveKit, with a PostgreSQL of its own, and print the report.

    \b
    Example:
      campaignd demo --contacts 200 --speed 60
    """
    set_up_logs("info" if verbose else "error", "text")
    console = Console()
    screen = _Screen(live=console.is_terminal and not as_json)
    with StopSignals() as signals:
        with Live(screen, console=console, transient=True) if screen.live else nullcontext():
            summaries = run_demo(contacts=contacts, speed=speed, keep=keep, stop=signals.stop, show=screen.show)
        if signals.stop.is_set():
            click.echo("campaignd: interrupted", err=True)
            sys.exit(130)
    if as_json:
        click.echo(json.dumps(summaries_as_json(summaries), ensure_ascii=False))
    else:
        console.print(summary_table(summaries))
    sys.exit(0 if all(summary.status == "completed" for summary in summaries) else 1)
