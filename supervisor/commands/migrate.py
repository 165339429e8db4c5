"""`campaignd migrate`: brings the database to this version's schema."""

from __future__ import annotations

from pathlib import Path

import click

from supervisor.commands.options import config_option
from supervisor.config.load import load
from supervisor.database.connect import join_server
from supervisor.database.migrations import check_schema, migrate, status


@click.command("migrate")
@config_option
@click.option("--status", "only_status", is_flag=True, help="Only tell which migrations are applied; change nothing.")
@click.option(
    "--lock-timeout",
    "lock_timeout_s",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="Seconds to wait while another process is migrating.",
)
@click.pass_context
def command(context: click.Context, config: Path, only_status: bool, lock_timeout_s: float) -> None:
    """Bring the database to this version's schema: apply every migration that it lacks.

    Safe to run at any time and by several at once: each migration is applied once, whole or not at all. Exit code 1
    when something is still missing, 2 when the configuration is wrong.

    \b
    Example:
      campaignd migrate --config config/campaignd.toml
      campaignd migrate --config config/campaignd.toml --status
    """
    snapshot = load(config)
    with join_server(snapshot) as dsn:
        if only_status:
            _print_status(dsn)
            return
        result = migrate(dsn, lock_timeout_s=lock_timeout_s)
        for migration in result.applied:
            click.echo(f"applied {migration}")
        if result.skipped_because_locked:
            click.echo("campaignd: skipped: another process is migrating this database", err=True)
            if status(dsn).missing:
                context.exit(1)
        check_schema(dsn)
        if not result.applied:
            click.echo("nothing to do: the schema is this version's")


def _print_status(dsn: str) -> None:
    found = status(dsn)
    for word, migrations in (("applied", found.applied), ("missing", found.missing), ("unknown", found.unknown)):
        for migration in migrations:
            click.echo(f"{word}  {migration}")
