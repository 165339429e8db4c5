"""`campaignd resume`: lifts an operator's pause."""

from __future__ import annotations

from pathlib import Path

import click

from actors.roster.statuses import resume
from supervisor.commands.lifecycle import change_status, operator
from supervisor.commands.options import config_option


@click.command("resume")
@click.argument("campaign")
@config_option
def command(campaign: str, config: Path) -> None:
    """Lift an operator's pause of CAMPAIGN (its slug, id or name). Its other holds stay (a circuit breaker's).

    \b
    Example:
      campaignd resume spring
    """
    change_status(config, campaign, resume, f"resumed by {operator()}")
