"""`campaignd dnc`: numbers that nobody may call."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from supervisor.clock import SystemClock
from supervisor.commands.choosing_leads import region_code
from supervisor.commands.options import config_option, json_option
from supervisor.database.companies import find_company
from supervisor.database.connect import open_connection
from supervisor.dnc import entries as do_not_call
from supervisor.dnc.entries import Entry
from supervisor.dnc.numbers import Numbers, from_arguments, from_file, sort_out

_SHOWN = 50
_FOR_COMPANY = click.option("--company", metavar="SLUG", help="Only this company's list. Without it: every company's.")
_REGION = click.option("--region", metavar="RU", help="The country (ISO code) of numbers written without one.")


@click.group("dnc")
def command() -> None:
    """Numbers that nobody may call: everybody's do-not-call list, and each company's own.

    A number is looked up when a call list is imported and again at the moment before its contact would be called, so
    that an entry holds at once, also for contacts imported long ago. Calls in progress are not hung up.

    \b
    Example:
      campaignd dnc add +79451234567 --reason "asked us to stop"
      campaignd dnc list --company acme
    """


@command.command("add")
@click.argument("numbers", nargs=-1, metavar="[NUMBER]…")
@click.option(
    "--file", type=click.Path(path_type=Path), metavar="FILE", help="One number a line, or CSV with phone_number."
)
@_FOR_COMPANY
@click.option("--reason", metavar="TEXT", help="Why, for whoever asks later.")
@_REGION
@config_option
def add(
    numbers: tuple[str, ...],
    file: Path | None,
    company: str | None,
    reason: str | None,
    region: str | None,
    config: Path,
) -> None:
    """Put numbers on a do-not-call list.

    All that can be read are added in one transaction; those that can't are listed by line, and the exit code is 1
    then. A number that is on the list already is no error, and keeps its reason. Calls in progress are not hung up.

    \b
    Example:
      campaignd dnc add "8 945 123-45-67" --region RU --company acme --reason "asked us to stop"
      campaignd dnc add --file robinson-list.csv
    """
    if not numbers and file is None:
        raise click.UsageError("Give numbers, or a file with --file.")
    given = [*from_arguments(numbers), *(from_file(file) if file is not None else ())]
    sorted_out = sort_out(given, region_code(region))
    with open_connection(config) as connection:
        company_id = None if company is None else find_company(connection, company)
        added = do_not_call.add(connection, list(sorted_out.good), company_id, reason, SystemClock().now())
    already = len(sorted_out.good) - added
    click.echo(f"{_list_of(company)}: {added} added, {already} already there, {len(sorted_out.refused)} refused")
    _tell_refused(sorted_out)


@command.command("remove")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER…")
@_FOR_COMPANY
@_REGION
@config_option
def remove(numbers: tuple[str, ...], company: str | None, region: str | None, config: Path) -> None:
    """Take numbers off a do-not-call list.

    Only the list that is named: without --company that is everybody's, and companies' own entries stay. A number that
    is not on it is no error. A contact who was given up because of the list is not called again by this.

    \b
    Example:
      campaignd dnc remove +79451234567
    """
    sorted_out = sort_out(from_arguments(numbers), region_code(region))
    with open_connection(config) as connection:
        company_id = None if company is None else find_company(connection, company)
        removed, left = do_not_call.remove(connection, list(sorted_out.good), company_id)
    absent = len(sorted_out.good) - removed
    click.echo(f"{_list_of(company)}: {removed} removed, {absent} not there, {len(sorted_out.refused)} refused")
    _tell_few(f"{entry.phone_number} stays on {_list_of(entry.company)}" for entry in left)
    _tell_refused(sorted_out)


@command.command("list")
@click.option("--company", metavar="SLUG", help="What this company may not call: its own list and everybody's.")
@config_option
@json_option
def list_(company: str | None, config: Path, as_json: bool) -> None:
    """Print the do-not-call lists: number, whose list, since when, why.

    \b
    Example:
      campaignd dnc list --company acme
      campaignd dnc list --json | jq -r '.do_not_call[].phone_number'
    """
    with open_connection(config) as connection:
        company_id = None if company is None else find_company(connection, company)
        with do_not_call.entries(connection, company_id) as found:
            if as_json:
                _print_json(found)
            else:
                for entry in found:
                    whose = entry.company or "everybody"
                    line = f"{entry.phone_number:<16}  {whose:<20}  {entry.created_at:%Y-%m-%d}  {entry.reason or ''}"
                    click.echo("".join(letter if letter.isprintable() else " " for letter in line.rstrip()))


def _list_of(company: str | None) -> str:
    return "everybody's list" if company is None else f"{company}'s list"


def _tell_refused(numbers: Numbers) -> None:
    if numbers.refused:
        _tell_few(numbers.refused)
        sys.exit(1)


def _tell_few(lines: Iterable[str]) -> None:
    every: Sequence[str] = list(lines)
    for line in every[:_SHOWN]:
        click.echo(f"  {line}")
    if len(every) > _SHOWN:
        click.echo(f"  … and {len(every) - _SHOWN} more")


def _print_json(found: Iterable[Entry]) -> None:
    """One object, written entry by entry: a list may have millions."""
    sys.stdout.write('{"do_not_call": [')
    for place, entry in enumerate(found):
        written = asdict(entry) | {"created_at": entry.created_at.isoformat()}
        sys.stdout.write((", " if place else "") + json.dumps(written, ensure_ascii=False))
    sys.stdout.write("]}\n")
