"""Time zones by name."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo


@cache
def zone(name: str) -> ZoneInfo:
    """A time zone, read once."""
    return ZoneInfo(name)
