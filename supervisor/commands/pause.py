"""`campaignd pause`: no new calls until an operator resumes."""

from __future__ import annotations

from pathlib import Path

import click

from actors.roster.statuses import pause
from supervisor.commands.lifecycle import change_status, operator
from supervisor.commands.options import config_option


@click.command("pause")
@click.argument("campaign")
@click.option("--reason", metavar="TEXT", help="Why; shown as the campaign's message. Without it: who paused it.")
@config_option
def command(campaign: str, reason: str | None, config: Path) -> None:
    """Hold CAMPAIGN (its slug, id or name): it begins no new calls until it is resumed. Calls under way go on.

    \b
    Example:
      campaignd pause spring --reason "the offer has changed"
    """
    # A line: it stands in tables and in the log.
    change_status(config, campaign, pause, " ".join((reason or "").split()) or f"paused by {operator()}")
