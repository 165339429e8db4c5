"""The shipped sample configuration, copied for the demo; its lists may be replaced by generated ones of any length.

The numbers are nobody's: Germany's and Britain's are reserved for films, Russia's have codes that no operator has.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

from actors.errors import CampaignValidationError
from supervisor.shipped import shipped_folder

_SHIPPED = ("*.toml", "*.schema.json", "campaigns.d/*.toml", "lists/*.csv")
_CAMPAIGNS = ("deliveries", "spring", "survey")
# Mobile codes of +7 that no operator has: 100,000 numbers of each, so that every one has its own first five digits.
_CODES = (942, 943, 944, 945, 946, 947, 948)
_NUMBERS_PER_CODE = 100_000
MOST_CONTACTS = len(_CODES) * _NUMBERS_PER_CODE

_FIRST_NAMES = ("Анна", "Дмитрий", "Emma", "Иван", "Jürgen", "Мария", "Oliver", "Ольга", "Siân", "Тимур", "Zoë")
_LAST_NAMES = ("Орлова", "Smith", "Ким", "Weiß", "Шевченко", "Patel", "Белых", "Nowak", "Живаго", "Evans")
_CITIES = ("Москва", "Berlin", "Казань", "London", "Пермь", "Leeds", "Тула")


def write_demo_configuration(directory: Path, contacts: int | None) -> Path:
    """Copy the shipped configuration into `directory` (made if need be) and return its service's file.

    With `contacts` the three lists are replaced by generated ones with that many good contacts in all, no bad row, and
    each number once; the same number of contacts gives the same lists. A campaign that gets none is left out.
    Raises CampaignValidationError for fewer than 1 contact or more than MOST_CONTACTS.
    """
    if contacts is not None and not 1 <= contacts <= MOST_CONTACTS:
        raise CampaignValidationError(f"{contacts} contacts: give 1 to {MOST_CONTACTS}")
    shipped = shipped_folder("config")
    for source in (file for pattern in _SHIPPED for file in sorted(shipped.glob(pattern))):
        target = directory / source.relative_to(shipped)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    if contacts is not None:
        for share, campaign in enumerate(_CAMPAIGNS):
            _replace_list(directory, campaign, range(share, contacts, len(_CAMPAIGNS)))
    return directory / "campaignd.toml"


def _replace_list(directory: Path, campaign: str, contacts: range) -> None:
    call_list = directory / "lists" / f"{campaign}.csv"
    if not contacts:
        call_list.unlink()
        (directory / "campaigns.d" / f"{campaign}.toml").unlink()
        return
    with call_list.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("phone_number", "name", "priority", "city"))
        writer.writerows(_rows(contacts))


def _rows(contacts: range) -> Iterator[tuple[str, str, int, str]]:
    for contact in contacts:
        # The simulator goes by the last two digits: 37 steps through all hundred of them, whatever the list's share.
        number = f"+7{_CODES[contact // _NUMBERS_PER_CODE]}{contact % _NUMBERS_PER_CODE:05d}{contact * 37 % 100:02d}"
        first, last = _FIRST_NAMES[contact % len(_FIRST_NAMES)], _LAST_NAMES[contact % len(_LAST_NAMES)]
        yield number, f"{first} {last}", 10 if contact % 50 == 0 else 0, _CITIES[contact % len(_CITIES)]
