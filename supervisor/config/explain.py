"""Turns what pydantic found in a file into keys and reasons for a person who writes TOML."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Location = tuple[str | int, ...]

_BARE_KEY = re.compile(r"^[A-Za-z0-9_-]+\Z")
_IN_OTHER_WORDS = {
    "missing": "required, but not given",
    "model_type": "Input should be a table",
    "dict_type": "Input should be a table",
    "mapping_type": "Input should be a table",
    "timezone_aware": "Input should have an offset, such as 2026-12-01T00:00:00+03:00",
    "datetime_type": "Input should be a date and time without quotes, such as 2026-12-01T00:00:00+03:00",
}


def explain(error: ValidationError, model: type[BaseModel], data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The dotted key and the reason of each mistake that `model` found in `data`, in the model's order."""
    reasons: dict[Location, list[str]] = {}
    for details in error.errors(include_url=False):
        place = details["loc"] if details["type"] == "missing" else _within(data, details["loc"])
        said = reasons.setdefault(place, [])
        reason = _reason(details, model)
        if reason not in said:
            said.append(reason)
    # A value that may be of several kinds has a reason for each: one mistake all the same.
    return [(dotted(place), "; or: ".join(said)) for place, said in reasons.items()]


def dotted(location: Iterable[str | int]) -> str:
    """A key's path as TOML writes it: `trunks."my trunk".days[1]`."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            key = part if _BARE_KEY.match(part) else '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"'
            path += f".{key}" if path else key
    return path


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'x'?` when one of `names` is close to `name`, else nothing."""
    close = difflib.get_close_matches(name[:100], list(names), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _reason(details: ErrorDetails, model: type[BaseModel]) -> str:
    kind, place = details["type"], details["loc"]
    if kind == "extra_forbidden":
        return _unknown_key(model, place)
    if kind == "value_error":
        return details["msg"].removeprefix("Value error, ")
    if kind in ("enum", "literal_error") and isinstance(details["input"], str):
        allowed = re.findall(r"'([^']*)'", details["ctx"]["expected"])
        return details["msg"] + did_you_mean(details["input"], allowed)
    return _IN_OTHER_WORDS.get(kind, details["msg"])


def _unknown_key(model: type[BaseModel], place: Location) -> str:
    name, table = str(place[-1]), _table_at(model, place[:-1])
    here = list(table.model_fields) if table else []
    if guess := did_you_mean(name, here):
        return f"unknown key{guess}"
    if name in model.model_fields:
        return "unknown key in this table; it belongs at the top of the file, before the first [table]"
    for other, field in model.model_fields.items():
        if _is_table(field.annotation) and name in field.annotation.model_fields:
            return f"unknown key in this table; it belongs in [{other}]"
    return f"unknown key; known here: {', '.join(here)}" if here else "unknown key"


def _table_at(model: type[BaseModel], place: Location) -> type[BaseModel] | None:
    """The model of the table that stands at `place` in a file of `model`."""
    annotation: Any = model
    for part in place:
        if _is_table(annotation):
            field = annotation.model_fields.get(str(part))
            annotation = field.annotation if field else None
        else:  # Mapping[its key, its value]
            annotation = (get_args(annotation) or (None,))[-1]
    return annotation if _is_table(annotation) else None


def _is_table(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _within(data: Any, location: Location) -> Location:
    """As much of `location` as leads to something in `data`: pydantic adds the names of its own kinds."""
    reached: list[str | int] = []
    for part in location:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            break
        reached.append(part)
    return tuple(reached)
