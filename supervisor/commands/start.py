"""`campaignd start`: a draft begins to call."""

from __future__ import annotations

from pathlib import Path

import click

from actors.roster.statuses import start
from supervisor.commands.lifecycle import change_status, operator
from supervisor.commands.options import config_option


@click.command("start")
@click.argument("campaign")
@config_option
def command(campaign: str, config: Path) -> None:
    """Start CAMPAIGN (its slug, id or name), a draft whose call list is imported.

    \b
    Example:
      campaignd start spring
    """
    change_status(config, campaign, start, f"started by {operator()}")
