"""`campaignd leads`: the people a company knows."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID

import click

from supervisor.clock import SystemClock
from supervisor.commands.choosing_leads import lead_options, region_code, selection
from supervisor.commands.options import config_option, json_option
from supervisor.commands.reading import reading_bar
from supervisor.database.companies import find_company
from supervisor.database.connect import open_connection
from supervisor.leads import entries
from supervisor.leads.entries import Lead
from supervisor.leads.importing import ImportResult, import_leads
from supervisor.report.csv_file import inert, write_rows
from supervisor.report.whole_file import whole_file

_SHOWN_ERRORS = 50
_COMPANY = click.option("--company", required=True, metavar="SLUG", help="Whose leads.")


@click.group("leads")
def command() -> None:
    """The people a company knows. Campaigns call contacts, who may be made of leads by a job.

    \b
    Example:
      campaignd leads import customers.xlsx --company acme
      campaignd jobs submit enqueue_outbound_calls --company acme --source imported --campaign spring
    """


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@_COMPANY
@click.option("--region", metavar="RU", help="The country (ISO code) of numbers written without one.")
@config_option
@json_option
def import_(file: Path, company: str, region: str | None, config: Path, as_json: bool) -> None:
    """Read people from FILE, which is read as call lists are: phone_number is required, name optional, every other
    column is kept with the lead.

    Rows that give no lead are listed with their reason and stop nothing; the exit code is 0 all the same. Who is a lead
    of the company already stays as they are. The import's id, which is printed, chooses its leads for jobs.

    \b
    Example:
      campaignd leads import customers.csv --company acme --region RU
    """
    with open_connection(config) as connection:
        company_id = find_company(connection, company)
        with reading_bar(file.name) as progress:
            result = import_leads(connection, company_id, file, region_code(region), SystemClock().now(), progress)
    if as_json:
        json.dump(result.as_json(), sys.stdout, ensure_ascii=False)
        click.echo()
    else:
        _print_summary(file, result)


@command.command("list")
@_COMPANY
@lead_options
@config_option
@json_option
def list_(
    company: str, source: str | None, import_id: UUID | None, where: tuple[str, ...], config: Path, as_json: bool
) -> None:
    """Print a company's leads, oldest first: number, name, where from, and the columns of their list.

    \b
    Example:
      campaignd leads list --company acme --where city=Berlin
    """
    chosen = selection(source, import_id, where)
    with (
        open_connection(config) as connection,
        entries.leads(connection, find_company(connection, company), chosen) as found,
    ):
        if as_json:
            _print_json(found)
        else:
            for lead in found:
                click.echo(_line(lead))


@command.command("export")
@_COMPANY
@lead_options
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.csv", help="Write here instead of printing.")
@config_option
def export(
    company: str, source: str | None, import_id: UUID | None, where: tuple[str, ...], out: Path | None, config: Path
) -> None:
    """Write a company's leads as CSV, a column for each that any of them has; it can be imported again.

    What a spreadsheet would take for a formula begins with an apostrophe.

    \b
    Example:
      campaignd leads export --company acme --source imported --out leads.csv
    """
    chosen = selection(source, import_id, where)
    with open_connection(config) as connection, connection.transaction():
        company_id = find_company(connection, company)
        columns = entries.columns(connection, company_id, chosen)
        with entries.leads(connection, company_id, chosen) as found:
            if out is None:
                write_rows(_rows(found, columns), sys.stdout)
            else:
                with whole_file(out) as path, path.open("w", encoding="utf-8-sig", newline="") as file:
                    write_rows(_rows(found, columns), file)


def _rows(found: Iterable[Lead], columns: list[str]) -> Iterator[list[str]]:
    yield ["phone_number", "name", *map(inert, columns)]
    for lead in found:
        cells = (str(lead.data.get(column, "")) for column in columns)
        yield [lead.phone_number, inert(lead.name or ""), *map(inert, cells)]


def _line(lead: Lead) -> str:
    data = ", ".join(f"{column}={text}" for column, text in lead.data.items())
    line = f"{lead.phone_number:<16}  {lead.source:<8}  {lead.created_at:%Y-%m-%d}  {lead.name or '':<24}  {data}"
    return "".join(letter if letter.isprintable() else " " for letter in line.rstrip())


def _print_json(found: Iterable[Lead]) -> None:
    """One object, written lead by lead: a company may have millions."""
    sys.stdout.write('{"leads": [')
    for place, lead in enumerate(found):
        sys.stdout.write((", " if place else "") + json.dumps(lead.as_json(), ensure_ascii=False))
    sys.stdout.write("]}\n")


def _print_summary(file: Path, result: ImportResult) -> None:
    click.echo(f"{file}: {result.total} rows, {result.created} leads added, {len(result.errors)} not added")
    click.echo(f"Import {result.import_id}")
    for error in result.errors[:_SHOWN_ERRORS]:
        click.echo(f"  {error}")
    if len(result.errors) > _SHOWN_ERRORS:
        click.echo(f"  … and {len(result.errors) - _SHOWN_ERRORS} more: --json lists them all")
