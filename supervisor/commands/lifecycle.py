"""What `start`, `pause` and `resume` have in common."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

import click
import psycopg

from supervisor.clock import SystemClock
from supervisor.database.campaigns import find_campaign
from supervisor.database.connect import open_connection
from supervisor.report.summary import read_summaries

Change = Callable[[psycopg.Connection, UUID, datetime, str], None]


def change_status(config: Path, campaign: str, change: Change, reason: str) -> None:
    """Make the change and print what the campaign is now, in one line: `Spring renewals: running`.

    Raises CampaignServiceError.
    """
    with open_connection(config) as connection:
        campaign_id = find_campaign(connection, campaign)
        change(connection, campaign_id, SystemClock().now(), reason)
        (summary,) = read_summaries(connection, campaign_ids=[campaign_id])
    why = f" ({summary.status_message})" if summary.status_message else ""
    click.echo(f"{summary.name}: {summary.status}{why}")


def operator() -> str:
    """Who gives the command, for the history: `operator anna`, who may have to give it as the service's account."""
    try:
        return f"operator {os.environ.get('SUDO_USER') or getpass.getuser()}"
    except (OSError, KeyError):  # a user without a name: KeyError before Python 3.13
        return "an operator"
