"""`campaignd receipts`: what calls cost."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from actors.errors import CampaignValidationError
from supervisor.clock import SystemClock
from supervisor.commands.options import config_option, json_option
from supervisor.commands.reading import reading_bar
from supervisor.database.companies import find_company
from supervisor.database.connect import open_connection
from supervisor.receipts.importing import import_receipts

_SHOWN_ERRORS = 50


@click.group("receipts")
def command() -> None:
    """What calls cost. A call gets an estimate when it ends, by the prices of its trunk in the service's file; what its
    provider charged takes the estimate's place.

    \b
    Example:
      campaignd receipts import charges-2026-11.csv --company acme --currency EUR
    """


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--company", required=True, metavar="SLUG", help="Whose calls.")
@click.option("--currency", metavar="EUR", help="The currency (ISO code) of rows that name none.")
@config_option
@json_option
def import_(file: Path, company: str, currency: str | None, config: Path, as_json: bool) -> None:
    """Read a provider's charges from FILE: CSV or a workbook with the columns amount, and call_id (ours) or
    sip_call_id, and perhaps currency.

    Rows that fit no call of the company are listed with their reason and stop nothing; the exit code is 0 all the same.
    Amounts are kept to the sixth decimal, exactly as they are written. Importing the same file again changes nothing.

    \b
    Example:
      campaignd receipts import charges-2026-11.csv --company acme --currency EUR
    """
    if currency is not None and not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise CampaignValidationError(f"Not a currency's code: {currency!r} (such as EUR)")
    with open_connection(config) as connection:
        company_id = find_company(connection, company)
        with reading_bar(file.name) as progress:
            now = SystemClock().now()
            result = import_receipts(connection, company_id, file, currency and currency.upper(), now, progress)
    if as_json:
        json.dump(result.as_json(), sys.stdout, ensure_ascii=False)
        click.echo()
        return
    click.echo(f"{file}: {result.total} rows, {result.imported} receipts, {len(result.errors)} not taken")
    for error in result.errors[:_SHOWN_ERRORS]:
        click.echo(f"  {error}")
    if len(result.errors) > _SHOWN_ERRORS:
        click.echo(f"  … and {len(result.errors) - _SHOWN_ERRORS} more: --json lists them all")
