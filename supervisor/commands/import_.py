"""`campaignd import`: a call list into a campaign."""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from actors.jobs.call_lists.importing import ImportResult, import_call_list
from supervisor.commands.options import config_option, json_option
from supervisor.commands.reading import reading_bar
from supervisor.database.campaigns import find_campaign
from supervisor.database.connect import open_connection

_SHOWN_ERRORS = 50


@click.command("import")
@click.argument("campaign")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--rejects",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT.xlsx",
    help="Also write the rows that were not added to this workbook, each as it came, with its number and the reason. "
    "It is made anew by every import that is done, with nothing but the header when all rows were added.",
)
@config_option
@json_option
def command(campaign: str, file: Path, rejects: Path | None, config: Path, as_json: bool) -> None:
    """Read a call list into a campaign.

    CAMPAIGN is a campaign's slug, id or name; FILE is CSV or a workbook (.xlsx, .xlsm, .xls) with a header, of which
    only phone_number is required; of a workbook's sheets, the first that has this column. Rows that can't be called
    are listed with their reason and stop nothing; the exit code is 0 all the same. Importing the same file again adds
    nobody twice.

    \b
    Example:
      campaignd import spring lists/spring.csv
      campaignd import spring lists/spring.xlsx --rejects rejects.xlsx
    """
    if rejects and rejects.exists() and file.exists() and rejects.samefile(file):
        raise click.BadParameter("this is the call list itself", param_hint="--rejects")
    with open_connection(config) as connection:
        campaign_id = find_campaign(connection, campaign)
        with reading_bar(file.name) as progress:
            began = time.monotonic()
            result = import_call_list(connection, campaign_id, file, datetime.now(UTC), progress, rejects)
            took_s = time.monotonic() - began
        megabytes = _peak_memory_mb()
    if as_json:
        # In pieces, not as one text: a long list may have as many errors as rows.
        json.dump(result.as_json(), sys.stdout, ensure_ascii=False)
        click.echo()
        click.echo(_cost(result, took_s, megabytes), err=True)
    else:
        _print_summary(file, result)
        click.echo(_cost(result, took_s, megabytes))


def _print_summary(file: Path, result: ImportResult) -> None:
    click.echo(f"{file}: {result.total} rows, {result.created} contacts added, {len(result.errors)} not added")
    for error in result.errors[:_SHOWN_ERRORS]:
        click.echo(f"  {error}")
    if len(result.errors) > _SHOWN_ERRORS:
        click.echo(f"  … and {len(result.errors) - _SHOWN_ERRORS} more: --json lists them all")


def _peak_memory_mb() -> float:
    """The most memory that this process, and the one that reads workbooks, had at a time. To be asked while the
    database is still open: an embedded server that has ended would count too."""
    # Not ru_maxrss for this one: that may be what the process that started it had.
    status = Path("/proc/self/status").read_text()
    ours_kb = int(status.partition("VmHWM:")[2].split(maxsplit=1)[0])
    return (ours_kb + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def _cost(result: ImportResult, took_s: float, megabytes: float) -> str:
    speed = result.total / max(took_s, 1e-6)
    return f"{result.total:,} rows in {took_s:.1f} s: {speed:,.0f} rows/s, peak memory {megabytes:.0f} MB"
