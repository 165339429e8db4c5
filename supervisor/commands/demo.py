"""`campaignd demo`: everything at once, with nothing to set up."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live

from supervisor.commands.options import json_option
from supervisor.commands.run import StopSignals
from supervisor.ctrl_c import INTERRUPTED
from supervisor.demo.run import DemoInterrupted, run_demo
from supervisor.demo.screen import Screen, closing
from supervisor.logs import Level, set_up_logs
from supervisor.report.console import ReportConsole
from supervisor.report.summary import as_json as summaries_as_json


@click.command("demo")
@click.option("--contacts", type=click.IntRange(min=1), help="Make lists of this many contacts in all.")
@click.option(
    "--speed", type=click.FloatRange(min=1, max=1000), default=120, show_default=True,
    help="How many times faster than life the demo's clock runs.",
)  # fmt: skip
@json_option
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep configuration and database here.")
@click.option("--verbose", is_flag=True, help="Show the service's log instead of the bars.")
def command(contacts: int | None, speed: float, as_json: bool, keep: Path | None, verbose: bool) -> None:
    """Run the sample campaigns against a simulated LiveKit, with a PostgreSQL of its own, and print the report.

    \b
    Example:
      campaignd demo --contacts 200 --speed 60
    """
    level: Level = "info" if verbose else "error"
    screen = Screen(speed)
    # A closed terminal, too, must leave no process behind.
    with StopSignals(signal.SIGHUP) as signals:
        try:
            with _shown(screen, level, live=sys.stdout.isatty() and not as_json and not verbose):
                ended = run_demo(
                    contacts=contacts,
                    speed=speed,
                    keep=keep,
                    stop=signals.stop,
                    hurry=signals.hurry,
                    audience=screen,
                )
        except DemoInterrupted:
            click.echo("campaignd: interrupted", err=True)
            sys.exit(INTERRUPTED)
        summaries = [campaign.summary for campaign in ended.report.campaigns]
        if as_json:
            click.echo(json.dumps(summaries_as_json(summaries), ensure_ascii=False))
        else:
            ReportConsole().print(closing(ended))
            if keep is not None:
                configuration = shlex.quote(str(keep / "config" / "campaignd.toml"))
                click.echo(f"\nKept. See: campaignd report spring --config {configuration}")
    sys.exit(0 if all(summary.status == "completed" for summary in summaries) else 1)


@contextmanager
def _shown(screen: Screen, level: Level, *, live: bool) -> Iterator[None]:
    """The screen for as long as the block lasts. What is logged meanwhile scrolls by above it."""
    if not live:
        set_up_logs(level, "text")
        yield
        return
    try:
        with Live(screen, console=Console(), transient=True, refresh_per_second=10):
            set_up_logs(level, "text")  # to the standard error that Live has put in place
            yield
    finally:
        set_up_logs(level, "text")
