"""Options by which a command chooses leads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click
from rphonenumbers import SUPPORTED_REGIONS

from actors.errors import CampaignValidationError
from actors.jobs.submitting import Selection
from supervisor.dnc.numbers import from_file, sort_out

Command = TypeVar("Command", bound=Callable[..., Any])

_SOURCE = click.option("--source", type=click.Choice(["imported", "manual"]), help="Leads that came this way.")
_IMPORT = click.option("--import", "import_id", type=click.UUID, metavar="ID", help="Leads that this import brought.")
_WHERE = click.option(
    "--where", multiple=True, metavar="COLUMN=TEXT", help="Leads with exactly this text in a column; may be repeated."
)


def lead_options(command: Command) -> Command:
    """`source`, `import_id` and `where`, for `selection`."""
    return _SOURCE(_IMPORT(_WHERE(command)))


def selection(
    source: str | None,
    import_id: UUID | None,
    where: tuple[str, ...],
    file: Path | None = None,
    region: str | None = None,
) -> Selection:
    """The leads that fit all of it; `file` holds numbers. Raises CampaignValidationError for what can't be read, and
    CallListValidationError for a file as a whole."""
    numbers = None if file is None else _numbers(file, region)
    return Selection(source, import_id, pairs(where, "--where"), numbers)


def pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    """COLUMN=TEXT as given. Raises CampaignValidationError."""
    found = {}
    for text in texts:
        column, equals, value = text.partition("=")
        if not equals or not column:
            raise CampaignValidationError(f"{option} {text!r} is not COLUMN=TEXT")
        found[column] = value
    return found


def region_code(region: str | None) -> str | None:
    """A country's ISO code in capitals. Raises CampaignValidationError."""
    code = region and region.upper()
    if code is not None and code not in SUPPORTED_REGIONS:
        raise CampaignValidationError(f"Not a country's ISO code: {region!r} (such as RU)")
    return code


def _numbers(file: Path, region: str | None) -> list[str]:
    sorted_out = sort_out(from_file(file), region_code(region))
    if sorted_out.refused:
        more = f" (and {len(sorted_out.refused) - 1} more lines)" if len(sorted_out.refused) > 1 else ""
        raise CampaignValidationError(f"{file}: {sorted_out.refused[0]}{more}")
    return list(sorted_out.good)
