"""The last net of the log: whatever looks like somebody's phone number is masked, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from actors.numbers import masked

_PLAIN = (int, float, type(None))  # bool among them


def mask_numbers(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A processor of structlog's: masks in every value, however deep. What is neither text nor a plain value becomes
    its repr, which is what would be written of it."""
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: object) -> object:
    match value:
        case str():
            return masked(value)
        case _ if isinstance(value, _PLAIN):
            return value
        case Mapping():
            return {_masked(key): _masked(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_masked(inner) for inner in value]
        case _:
            return masked(repr(value))
