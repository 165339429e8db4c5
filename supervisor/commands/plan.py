"""`campaignd plan`: what a reload would change."""

from __future__ import annotations

import json
from pathlib import Path

import click

from supervisor.commands.options import config_option, json_option
from supervisor.config.applied import call_lists_to_import, read_applied
from supervisor.config.difference import describe, difference
from supervisor.config.load import load
from supervisor.database.connect import open_connection


@click.command("plan")
@config_option
@json_option
def command(config: Path, as_json: bool) -> None:
    """What would change if the files were applied now: at a reload, or at the next start.

    Compares them with what the service of this machine and this file has applied last, in the words of its log. Changes
    nothing. Exit code 2 when a file is wrong.

    \b
    Example:
      campaignd plan --config /etc/campaignd/campaignd.toml && systemctl reload campaignd
    """
    snapshot = load(config)
    with open_connection(config) as connection:
        applied = read_applied(connection, snapshot.file)
        lists = call_lists_to_import(connection, snapshot)
    changes = difference({} if applied is None else applied.described, describe(snapshot))
    if as_json:
        shown = {
            "applied_at": None if applied is None else applied.applied_at.isoformat(),
            "changes": [
                {"place": each.place, "key": each.key, "what": each.what, "needs_restart": each.needs_restart}
                for each in changes
            ],
            "call_lists": [{"campaign": slug, "file": str(file)} for slug, file in lists],
        }
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    for change in changes:
        click.echo(str(change))
    for slug, file in lists:
        click.echo(f"campaign {slug}: {file} would be imported: only numbers that are new to the campaign are added")
    if not changes and not lists:
        click.echo("nothing would change")
