"""Somebody else's text as it is kept."""

from __future__ import annotations

import re

from actors.numbers import masked

_UNKEEPABLE = re.compile("[\0\ud800-\udfff]")  # in PostgreSQL's text


def keepable(text: str) -> str:
    """As it may be kept, and shown to people: carriers quote numbers in it, which are masked, and may say what
    PostgreSQL can't keep, which is replaced."""
    return _UNKEEPABLE.sub("\N{REPLACEMENT CHARACTER}", masked(text))
