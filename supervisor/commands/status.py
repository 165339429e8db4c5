"""`campaignd status`: what every campaign is doing."""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

import click

from actors.recording.overview import tallies
from supervisor.breakers import read_breakers, services_of
from supervisor.clock import SystemClock
from supervisor.commands.options import config_option, json_option
from supervisor.config.load import load_service
from supervisor.database.connect import is_at_rest, open_connection
from supervisor.overview.reading import read_services
from supervisor.overview.words import NOBODY_CALLS
from supervisor.report.console import ReportConsole
from supervisor.report.layout import plain
from supervisor.report.summary import as_json as summaries_as_json
from supervisor.report.summary import read_summaries
from supervisor.report.tables import summary_table

_INTERVAL_S = 2.0


@click.command("status")
@config_option
@json_option
@click.option("--watch", is_flag=True, help="Show it live, on the whole terminal, until Ctrl-C.")
@click.option(
    "--interval", type=click.FloatRange(min=0.2, max=3600), metavar="SECONDS",
    help=f"With --watch: how often to look.  [default: {_INTERVAL_S:g}]",
)  # fmt: skip
def command(config: Path, as_json: bool, watch: bool, interval: float | None) -> None:
    """What every campaign is doing: its status and why, its tasks, its calls. And how many recordings each company has.

    \b
    Example:
      campaignd status
      campaignd status --watch
      campaignd status --json | jq '.campaigns[] | {slug, status, success_rate}'
    """
    if watch and as_json:
        raise click.UsageError("--watch is for people, --json for machines: give one of them")
    if interval is not None and not watch:
        raise click.UsageError("--interval goes with --watch")
    if watch:
        _watch(config, interval or _INTERVAL_S)
    else:
        _print(config, as_json)


def _print(config: Path, as_json: bool) -> None:
    configuration = load_service(config)
    services, nobody = services_of(configuration.service), is_at_rest(configuration)
    with open_connection(config) as connection:
        summaries = read_summaries(connection)
        recordings = tallies(connection)
        breakers = read_breakers(connection, services)
        nobody = nobody or not read_services(connection)  # a server that has just been started does not know yet
    if as_json:
        shown = {
            **summaries_as_json(summaries),
            "recordings": [asdict(tally) for tally in recordings],
            "breakers": {
                breaker.service: {"state": breaker.state, "pause_info": breaker.pause_info} for breaker in breakers
            },
        }
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    console = ReportConsole()
    console.print(summary_table(summaries))
    if nobody:
        console.print(NOBODY_CALLS)
    for breaker in breakers:
        if breaker.pause_info is not None:
            console.print(plain(breaker.pause_info))
    for tally in recordings:
        error = f" (the latest: {tally.latest_error})" if tally.latest_error else ""
        click.echo(f"{tally.company}: {tally.count} recordings {tally.state}{error}")


def _watch(config: Path, interval_s: float) -> None:
    from rich.console import Console  # all of these only here: who wants one look waits for it
    from rich.live import Live

    from supervisor.overview.watch import Watch

    console = Console()
    if not sys.stdout.isatty() or console.is_dumb_terminal:
        raise click.UsageError("--watch needs a terminal; elsewhere take `campaignd status`, or its --json")
    configuration = load_service(config)
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: the terminal is given back as it was
        signal.signal(number, signal.default_int_handler)
    watch = Watch(configuration, SystemClock().now)
    try:
        first = watch.look()
        with Live(first, console=console, screen=True, refresh_per_second=2) as live:
            while True:
                time.sleep(interval_s)
                live.update(watch.look(), refresh=True)
    finally:
        watch.close()
