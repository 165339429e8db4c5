"""What differs between two configurations, in lines for people. Plain: no files, no database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from pydantic import BaseModel

from supervisor.config.explain import dotted
from supervisor.config.load import Snapshot

Described = Mapping[str, Mapping[str, Any]]
"""Everything that a configuration is about ("campaign spring"), each with its values by dotted key, as in JSON."""

SERVICE = "service"
_TABLES_OF_A_PROCESS = ("database", "livekit", "http", "recordings")
_KEYS_OF_A_PROCESS = ("state_directory", "lease_s")
"""Of the table `service`. These keys and the tables above say how the process is built: only a new one has others."""
_LONGEST_VALUE = 60
_BEFORE_THE_DIFFERENCE = 20
"""Characters of a long value that are shown before the first one that differs."""


@dataclass(frozen=True)
class Change:
    """One line of a difference."""

    place: str  # "campaign spring"
    key: str  # dotted; empty: the whole was added or removed
    what: str  # "10 → 20"
    needs_restart: bool = False  # the value that runs stays in force until then

    def __str__(self) -> str:
        text = f"{self.place}: {' '.join(part for part in (self.key, self.what) if part)}"
        return f"{text} (needs a restart)" if self.needs_restart else text


def describe(snapshot: Snapshot) -> dict[str, dict[str, Any]]:
    """The whole configuration as plain values, in the order in which people think of it."""
    service = snapshot.service
    described = {SERVICE: _flat(service, "trunks", "companies")}
    for name, trunk in service.trunks.items():
        described[f"trunk {name}"] = _flat(trunk)
    for slug, company in service.companies.items():
        described[f"company {slug}"] = _flat(company, "skillbases")
        for skillbase, settings in company.skillbases.items():
            described[f"skillbase {slug}/{skillbase}"] = _flat(settings)
    for slug, campaign in snapshot.campaigns.items():
        described[f"campaign {slug}"] = _flat(campaign)
    return described


def difference(old: Described, new: Described) -> list[Change]:
    """What leads from `old` to `new`; nothing of the service itself where there is no `old` at all."""
    changes: list[Change] = []
    for place, values in new.items():
        if place not in old:
            if place != SERVICE:
                changes.append(Change(place, "", "added"))
            continue
        before = old[place]
        for key in [*values, *(key for key in before if key not in values)]:
            was, becomes = before.get(key), values.get(key)
            if was != becomes:
                restart = place == SERVICE and _needs_restart(key)
                changes.append(Change(place, key, _shown(was, becomes), restart))
    for place in old:
        if place not in new:
            kept = "; it is held, nothing is deleted" if place.startswith("campaign ") else ""
            changes.append(Change(place, "", f"removed{kept}"))
    return changes


def as_far_as_it_can_be(running: Snapshot, read: Snapshot) -> Snapshot:
    """What is in force once `read` is applied: all of it but what needs a restart, which stays as it runs."""
    now = running.service
    of_the_process = {key: getattr(now.service, key) for key in _KEYS_OF_A_PROCESS}
    tables: dict[str, Any] = {table: getattr(now, table) for table in _TABLES_OF_A_PROCESS}
    tables["service"] = read.service.service.model_copy(update=of_the_process)
    return replace(read, service=read.service.model_copy(update=tables))


def _needs_restart(key: str) -> bool:
    table, _, rest = key.partition(".")
    return table in _TABLES_OF_A_PROCESS or (table == "service" and rest in _KEYS_OF_A_PROCESS)


def _flat(model: BaseModel, *without: str) -> dict[str, Any]:
    return dict(_leaves(model.model_dump(mode="json", exclude=set(without)), ()))


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and (value or not path):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif value is not None:
        yield dotted(path), value


def _shown(was: Any, becomes: Any) -> str:
    """Of two long values the part in which they begin to differ."""
    old, new = _text(was), _text(becomes)
    start = 0
    if len(old) > _LONGEST_VALUE or len(new) > _LONGEST_VALUE:
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
        start = max(same - _BEFORE_THE_DIFFERENCE, 0)
    return f"{_cut(old, start)} → {_cut(new, start)}"


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    # With its line breaks as \n: a change of nothing else is one too, and is told in one line.
    return value if value.isprintable() else repr(value)


def _cut(text: str, start: int) -> str:
    shown = f"…{text[start:]}" if start else text
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[: _LONGEST_VALUE - 1]}…"
