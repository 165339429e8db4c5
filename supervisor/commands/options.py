"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path

import click

from actors.errors import ConfigurationError

_SYSTEM = Path("/etc/campaignd/campaignd.toml")
_CHECKOUT = Path("config/campaignd.toml")


def _service_file(context: click.Context, parameter: click.Parameter, given: Path | None) -> Path:
    if given is not None:
        file, hint = given, ""
    elif named := os.environ.get("CAMPAIGND_CONFIG"):
        file, hint = Path(named), " (named by CAMPAIGND_CONFIG)"
    else:
        file = _SYSTEM if _SYSTEM.exists() else _CHECKOUT
        hint = " (name another with --config or CAMPAIGND_CONFIG)"
    if not file.is_file():
        raise ConfigurationError(f"{file}: no such file{hint}")
    return file


config_option = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    callback=_service_file,
    metavar="PATH",
    help="The service's file. Without it: $CAMPAIGND_CONFIG, /etc/campaignd/campaignd.toml if there is one, "
    "else ./config/campaignd.toml.",
)
"""`config: Path`, a file that exists; a missing one is a ConfigurationError of one line."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for machines.")
"""`as_json: bool`."""
