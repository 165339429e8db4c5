"""`campaignd recordings`: recordings of calls, and those that could not be had."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from actors.recording import overview
from actors.recording.overview import Shown
from supervisor.clock import SystemClock
from supervisor.commands.options import config_option, json_option
from supervisor.database.companies import find_company
from supervisor.database.connect import open_connection

_STATES = ("expected", "pending", "downloading", "stored", "failed")
_COMPANY = click.option("--company", metavar="SLUG", help="Of this company alone.")


@click.group("recordings")
def command() -> None:
    """Recordings of calls: what became of each, and another try for those that failed.

    \b
    Example:
      campaignd recordings list --state failed
      campaignd recordings retry --company acme
    """


@command.command("list")
@_COMPANY
@click.option("--state", type=click.Choice(_STATES), help="Only those in this state.")
@config_option
@json_option
def list_(company: str | None, state: str | None, config: Path, as_json: bool) -> None:
    """Print recordings, the oldest first: call, campaign, state, and its file or why there is none.

    \b
    Example:
      campaignd recordings list --company acme --state failed
      campaignd recordings list --json | jq -r '.recordings[] | select(.state == "stored") | .file'
    """
    with open_connection(config) as connection:
        if company is not None:
            find_company(connection, company)
        with overview.shown(connection, company, state) as found:
            if as_json:
                _print_json(found)
                return
            for recording in found:
                what = recording.file or recording.error or ""
                line = f"{recording.call_id}  {recording.campaign or '-':<20}  {recording.state:<11}  {what}"
                click.echo("".join(letter if letter.isprintable() else " " for letter in line.rstrip()))


@command.command("retry")
@_COMPANY
@config_option
@json_option
def retry(company: str | None, config: Path, as_json: bool) -> None:
    """Try failed recordings and transcripts again, with all their attempts. A running service begins within seconds.

    \b
    Example:
      campaignd recordings retry --company acme
    """
    with open_connection(config) as connection:
        if company is not None:
            find_company(connection, company)
        recordings, transcripts = overview.retry(connection, company, SystemClock().now())
    if as_json:
        click.echo(json.dumps({"recordings": recordings, "transcripts": transcripts}))
    else:
        click.echo(f"to be tried again: {recordings} recordings, {transcripts} transcripts")


def _print_json(found: Iterable[Shown]) -> None:
    """One object, written recording by recording: there may be millions."""
    sys.stdout.write('{"recordings": [')
    for place, recording in enumerate(found):
        written = {key: _plain(value) for key, value in asdict(recording).items()}
        sys.stdout.write((", " if place else "") + json.dumps(written, ensure_ascii=False))
    sys.stdout.write("]}\n")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | float | None) else str(value)
