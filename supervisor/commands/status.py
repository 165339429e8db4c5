"""`campaignd status`: what every campaign is doing."""

from __future__ import annotations

import json
from pathlib import Path

import click

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
    """What every campaign is doing: its status and why, its tasks, its calls.

    \b
    Example:
      campaignd status
      campaignd status --json | jq '.campaigns[] | {slug, status, success_rate}'
    """
    with open_connection(config) as connection:
        summaries = read_summaries(connection)
    if as_json:
        click.echo(json.dumps(summaries_as_json(summaries), ensure_ascii=False))
    else:
        ReportConsole().print(summary_table(summaries))
