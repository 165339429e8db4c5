"""`campaignd import`: a call list into a campaign."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from actors.jobs.call_lists.importing import ImportResult, import_call_list
from actors.jobs.call_lists.rows import Progress as ReadSoFar
from supervisor.commands.options import config_option, json_option
from supervisor.database.campaigns import find_campaign
from supervisor.database.connect import open_connection

_SHOWN_ERRORS = 50


@click.command("import")
@click.argument("campaign")
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@json_option
def command(campaign: str, file: Path, config: Path, as_json: bool) -> None:
    """Read a call list into a campaign.

    CAMPAIGN is a campaign's slug, id or name; FILE is CSV with a header, of which only phone_number is required. Rows
    that can't be called are listed with their reason and stop nothing; the exit code is 0 all the same. Importing the
    same file again adds nobody twice.

    \b
    Example:
      campaignd import spring lists/spring.csv
    """
    with open_connection(config) as connection:
        campaign_id = find_campaign(connection, campaign)
        with _progress_bar(file.name) as progress:
            result = import_call_list(connection, campaign_id, file, datetime.now(UTC), progress)
    if as_json:
        # In pieces, not as one text: a long list may have as many errors as rows.
        json.dump(result.as_json(), sys.stdout, ensure_ascii=False)
        click.echo()
    else:
        _print_summary(file, result)


@contextmanager
def _progress_bar(name: str) -> Iterator[ReadSoFar | None]:
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print_summary(file: Path, result: ImportResult) -> None:
    click.echo(f"{file}: {result.total} rows, {result.created} contacts added, {len(result.errors)} not added")
    for error in result.errors[:_SHOWN_ERRORS]:
        click.echo(f"  {error}")
    if len(result.errors) > _SHOWN_ERRORS:
        click.echo(f"  … and {len(result.errors) - _SHOWN_ERRORS} more: --json lists them all")
