"""`campaignd status`: what every campaign is doing."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from actors.recording.overview import tallies
from supervisor.commands.options import config_option, json_option
from supervisor.database.connect import open_connection
from supervisor.report.console import ReportConsole
from supervisor.report.summary import as_json as summaries_as_json
from supervisor.report.summary import read_summaries
from supervisor.report.tables import summary_table


@click.command("status")
@config_option
@json_option
def command(config: Path, as_json: bool) -> None:
    """What every campaign is doing: its status and why, its tasks, its calls. And how many recordings each company has.

    \b
    Example:
      campaignd status
      campaignd status --json | jq '.campaigns[] | {slug, status, success_rate}'
    """
    with open_connection(config) as connection:
        summaries = read_summaries(connection)
        recordings = tallies(connection)
    if as_json:
        shown = {**summaries_as_json(summaries), "recordings": [asdict(tally) for tally in recordings]}
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    ReportConsole().print(summary_table(summaries))
    for tally in recordings:
        error = f" (the latest: {tally.latest_error})" if tally.latest_error else ""
        click.echo(f"{tally.company}: {tally.count} recordings {tally.state}{error}")
