"""`campaignd explain`: why a contact has not been called yet."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import click

from supervisor.clock import SystemClock
from supervisor.commands.options import config_option, json_option
from supervisor.config.load import load_service
from supervisor.config.rules import trunk_limits
from supervisor.database.campaigns import find_campaign
from supervisor.database.connect import open_connection
from supervisor.explain.explanation import explain_campaign, explain_task
from supervisor.explain.printing import campaign_as_json, campaign_renderable, task_as_json, task_renderable
from supervisor.report.console import ReportConsole


@click.command("explain")
@click.argument("campaign")
@click.option("--task", type=click.UUID, metavar="ID", help="Only this task, and everything that hinders it.")
@click.option("--number", metavar="N", help="The same for the contact with this number, however it is written.")
@config_option
@json_option
def command(campaign: str, task: UUID | None, number: str | None, config: Path, as_json: bool) -> None:
    """Why contacts of CAMPAIGN (its slug, id or name) have not been called yet.

    Without an option every contact is counted under its first reason. First comes what is settled; then what no
    waiting ends (do-not-call, a campaign that is over); what somebody has to end (a draft, a hold); what ends at a
    time (windows, retries, attempts per day), the latest first; that no service runs; limits; its turn.

    It reads the database, and the service's file for the limits of trunks, whether a service runs or not, and changes
    nothing. Exit code 2 when the campaign has no such contact.

    \b
    Example:
      campaignd explain spring
      campaignd explain spring --number "8 (945) 123-45-67"
    """
    if task is not None and number is not None:
        raise click.UsageError("Name a task or a number, not both.")
    trunks = {name: trunk_limits(trunk) for name, trunk in load_service(config).service.trunks.items()}
    with open_connection(config) as connection:
        campaign_id = find_campaign(connection, campaign)
        now = SystemClock().now()
        if task is None and number is None:
            counted = explain_campaign(connection, campaign_id, trunks, now)
            shown, written = campaign_renderable(counted), campaign_as_json(counted)
        else:
            exact = explain_task(connection, campaign_id, trunks, now, task=task, number=number)
            shown, written = task_renderable(exact), task_as_json(exact)
    if as_json:
        click.echo(json.dumps(written, ensure_ascii=False))
    else:
        ReportConsole().print(shown)
