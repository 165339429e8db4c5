"""`campaignd migrate`: brings the database to this version's schema, and says which roles it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from supervisor.commands.options import service_file, sometimes_config_option
from supervisor.config.load import load_service
from supervisor.config.values import checked_dsn
from supervisor.database.connect import join_server, migrator
from supervisor.database.migrations import check_schema, migrate, status
from supervisor.database.roles import OWNER, SERVICE, Roles, become


def _checked(context: click.Context, option: click.Parameter, dsn: str | None) -> str | None:
    try:
        return None if dsn is None else checked_dsn(dsn)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("migrate")
@sometimes_config_option
@click.option("--status", "only_status", is_flag=True, help="Only tell which migrations are applied; change nothing.")
@click.option(
    "--lock-timeout",
    "lock_timeout_s",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="Seconds to wait while another process is migrating.",
)
@click.option(
    "--dsn", callback=_checked, help="Connect by this instead of the file's DSN, which is the service's; no password."
)
@click.option("--owner", help=f"Migrate as this role, which owns the tables.  [--print-roles: {OWNER}]")
@click.option(
    "--print-roles", is_flag=True,
    help="Only print SQL for psql: a role that owns the tables, and one that may read and write rows.",
)  # fmt: skip
@click.option("--service", default=SERVICE, show_default=True, help="--print-roles: the role that the service runs as.")
@click.pass_context
def command(
    context: click.Context,
    config: Path | None,
    only_status: bool,
    lock_timeout_s: float,
    dsn: str | None,
    owner: str | None,
    print_roles: bool,
    service: str,
) -> None:
    """Bring the database to this version's schema: apply every migration that it lacks.

    Safe to run at any time and by several at once: each migration is applied once, whole or not at all. Exit code 1
    when something is still missing, 2 when the configuration is wrong.

    \b
    Example:
      campaignd migrate --config config/campaignd.toml
      campaignd migrate --config config/campaignd.toml --status
    The service as a role that can't change tables:
      campaignd migrate --print-roles | sudo -u postgres psql -v ON_ERROR_STOP=1 campaignd
      sudo -u postgres campaignd migrate --dsn dbname=campaignd --owner campaignd_owner
    """
    if print_roles:
        click.echo(Roles(owner or OWNER, service).sql(), nl=False)
        return
    with _database(config, dsn) as found:
        target = become(found, owner) if owner else found
        if only_status:
            _print_status(target)
            return
        result = migrate(target, lock_timeout_s=lock_timeout_s)
        for migration in result.applied:
            click.echo(f"applied {migration}")
        if result.skipped_because_locked:
            click.echo("campaignd: skipped: another process is migrating this database", err=True)
            if status(target).missing:
                context.exit(1)
        check_schema(target)
        if not result.applied:
            click.echo("nothing to do: the schema is this version's")


@contextmanager
def _database(config: Path | None, dsn: str | None) -> Iterator[str]:
    if dsn is not None:
        yield dsn
        return
    configuration = load_service(service_file(config))
    with join_server(configuration) as found:
        yield migrator(configuration, found)


def _print_status(dsn: str) -> None:
    found = status(dsn)
    for word, migrations in (("applied", found.applied), ("missing", found.missing), ("unknown", found.unknown)):
        for migration in migrations:
            click.echo(f"{word}  {migration}")
