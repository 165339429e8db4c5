"""`campaignd report`: how a campaign or a company's campaigns went."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from actors.errors import CampaignValidationError
from supervisor.commands.options import config_option
from supervisor.database.campaigns import find_campaign
from supervisor.database.connect import open_connection
from supervisor.database.snapshot import snapshot
from supervisor.report.files import BINARY, FORMATS, Advance, format_of, rows_of, write_report
from supervisor.report.report import read_report


@click.command("report")
@click.argument("campaign", required=False)
@click.option("--company", metavar="SLUG", help="All campaigns of this company, and what they add up to.")
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), help="Without it: what --out's name ends in, else table."
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write here instead of printing.")
@config_option
def command(campaign: str | None, company: str | None, format_: str | None, out: Path | None, config: Path) -> None:
    """How CAMPAIGN (its slug, id or name), or a company's campaigns, went.

    table and json have the figures: success rate, outcomes, attempts, durations, cost, hours. csv has a row for each
    contact, with its last outcome and the columns of its list; what a spreadsheet would take for a formula begins
    with an apostrophe there. xlsx has both, and charts. parquet has call tasks in FILE.parquet, or, when FILE has
    another name, tasks, calls, summary and hours in a folder of that name. Phone numbers are written whole.

    \b
    Example:
      campaignd report spring
      campaignd report spring --out spring.xlsx
      campaignd report --company acme --format parquet --out acme-report/
    """
    if (campaign is None) == (company is None):
        raise click.UsageError("Name a campaign, or a company with --company.")
    format_ = format_ or format_of(out)
    if out is None and format_ in BINARY:
        raise click.UsageError(f"--format {format_} needs --out FILE.")
    with open_connection(config) as connection, snapshot(connection):
        if campaign is not None:
            report = read_report(connection, campaign_ids=[find_campaign(connection, campaign)])
        else:
            _check_company(connection, company)
            report = read_report(connection, company=company)
        with _progress(rows_of(report, format_, out), shown=out is not None) as advance:
            write_report(report, connection, format_, out, company=company, advance=advance)


def _check_company(connection: psycopg.Connection, slug: str | None) -> None:
    if connection.execute("SELECT FROM companies WHERE slug = %s", (slug,)).rowcount == 0:
        raise CampaignValidationError(f"Company {slug} not found")


@contextmanager
def _progress(rows: int, *, shown: bool) -> Iterator[Advance]:
    """A bar on a terminal for what takes a while; not when the rows themselves are printed there."""
    if not (shown and rows and sys.stderr.isatty()):
        yield lambda rows: None
        return
    columns = (TextColumn("writing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("rows", total=rows)
        yield lambda rows: progress.advance(bar, rows)
