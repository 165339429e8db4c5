"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from actors.errors import ConfigurationError

_SYSTEM = Path("/etc/campaignd/campaignd.toml")
_CHECKOUT = Path("config/campaignd.toml")


def service_file(given: Path | None) -> Path:
    """The service's file: the one given, or the one that is used when none is. Raises ConfigurationError of one line
    when it is missing."""
    if given is not None:
        file, hint = given, ""
    elif named := os.environ.get("CAMPAIGND_CONFIG"):
        file, hint = Path(named), " (named by CAMPAIGND_CONFIG)"
    else:
        file = _CHECKOUT if _is_missing(_SYSTEM) else _SYSTEM
        hint = " (name another with --config or CAMPAIGND_CONFIG)"
    if _is_missing(file):
        raise ConfigurationError(f"{file}: no such file{hint}")
    return file


def _is_missing(file: Path) -> bool:
    """Not so a file in a folder that may not be entered, as /etc/campaignd is for most: reading it says why."""
    try:
        return not file.exists()
    except OSError:
        return False


_CONFIG: dict[str, Any] = {
    "type": click.Path(path_type=Path),
    "metavar": "PATH",
    "help": "The service's file. Without it: $CAMPAIGND_CONFIG, /etc/campaignd/campaignd.toml if there is one, "
    "else ./config/campaignd.toml.",
}
config_option = click.option(
    "--config", "config", callback=lambda context, option, given: service_file(given), **_CONFIG
)
"""`config: Path`, a file that exists; a missing one is a ConfigurationError of one line."""

sometimes_config_option = click.option("--config", "config", **_CONFIG)
"""`config: Path | None`, to be handed to `service_file` by a command that does not always need the file."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for machines.")
"""`as_json: bool`."""
