"""`campaignd check`: are all configuration files valid? Needs no secrets, no database and no network."""

from __future__ import annotations

import json
from pathlib import Path

import click

from supervisor.commands.options import config_option, json_option
from supervisor.config.load import load
from supervisor.config.problems import ConfigurationFilesError


@click.command("check")
@config_option
@json_option
@click.pass_context
def command(context: click.Context, config: Path, as_json: bool) -> None:
    """Validate all configuration files: the service's and every campaign's, each and all together.

    Prints every error as a line: file, key, reason. Exit code 2 when there is one.

    \b
    Example:
      campaignd check --config config/campaignd.toml
    """
    try:
        snapshot = load(config)
    except ConfigurationFilesError as error:
        if as_json:
            problems = [
                {
                    "file": str(problem.file),
                    "key": problem.key,
                    "reason": problem.reason,
                    "line": problem.line,
                    "column": problem.column,
                }
                for problem in error.problems
            ]
            click.echo(json.dumps({"ok": False, "errors": problems}, ensure_ascii=False, indent=2))
        else:
            click.echo(str(error), err=True)
        context.exit(2)
    counts = {
        "campaigns": len(snapshot.campaigns),
        "companies": len(snapshot.service.companies),
        "trunks": len(snapshot.service.trunks),
    }
    if as_json:
        click.echo(json.dumps({"ok": True, **counts, "errors": []}))
    else:
        click.echo("ok: " + ", ".join(f"{number} {what}" for what, number in counts.items()))
