"""Where the lines and columns of the page's two charts go, in units of their drawing's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actors.outcomes import Outcome
from supervisor.overview.overview import Hour

WIDTH, HEIGHT = 480, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 24
"""Room around the drawing itself, for what is written at its axes."""
_WIDE, _HIGH = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

GROUPS = {
    "answered": (Outcome.ANSWERED,),
    "voicemail": (Outcome.VOICEMAIL,),
    "not reached": (
        Outcome.NO_ANSWER, Outcome.BUSY, Outcome.REJECTED, Outcome.INVALID_NUMBER, Outcome.CANCELLED,
    ),
    "failed": (
        Outcome.AGENT_FAILED, Outcome.TRUNK_FAILED, Outcome.RATE_LIMITED, Outcome.INTERRUPTED, Outcome.ERROR,
    ),
}  # fmt: skip
"""Outcomes as a chart can tell them apart; every one is in one group."""


@dataclass(frozen=True)
class Part:
    """The piece of a column that one group has."""

    group: str
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    """An hour."""

    label: str
    x: float
    width: float
    parts: Sequence[Part]
    counts: dict[str, int]  # by group, every group

    @property
    def total(self) -> int:
        """Of all groups."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Tick:
    """Something written at an axis: how far along it, and what."""

    at: float
    label: str


@dataclass(frozen=True)
class Columns:
    """Stacked columns."""

    columns: Sequence[Column]
    heights: Sequence[Tick]
    times: Sequence[Tick]


@dataclass(frozen=True)
class Line:
    """A line over time, and the area under it."""

    points: str
    area: str
    most: int
    heights: Sequence[Tick]
    times: Sequence[Tick]


def outcomes_by_hour(hours: Sequence[Hour]) -> Columns:
    """A column for each hour, its outcomes stacked by group."""
    top = _round_up(max((hour.calls for hour in hours), default=0))
    step = _WIDE / max(len(hours), 1)
    columns = []
    for number, hour in enumerate(hours):
        counts = {group: sum(hour.by_outcome.get(outcome, 0) for outcome in GROUPS[group]) for group in GROUPS}
        parts, below = [], 0
        for group, count in counts.items():
            if count:
                parts.append(Part(group, _y(below + count, top), round(count / top * _HIGH, 2)))
                below += count
        x = round(LEFT + number * step + 1, 2)
        columns.append(Column(f"{hour.start:%H:%M}", x, round(step - 2, 2), parts, counts))
    times = [Tick(column.x + column.width / 2, column.label) for column in columns[1::6]]
    return Columns(columns, _heights(top), times)


def in_progress_by_minute(minutes: Sequence[int]) -> Line:
    """From an hour ago until now."""
    most = max(minutes, default=0)
    top = _round_up(most)
    step = _WIDE / max(len(minutes) - 1, 1)
    placed = [f"{LEFT + number * step:.1f},{_y(count, top):g}" for number, count in enumerate(minutes)]
    ground = _y(0, top)
    area = " ".join([f"{LEFT},{ground:g}", *placed, f"{WIDTH - RIGHT},{ground:g}"])
    ago = (60, 45, 30, 15, 0)
    times = [Tick(LEFT + _WIDE * (60 - minute) / 60, f"−{minute} min" if minute else "now") for minute in ago]
    return Line(" ".join(placed), area, most, _heights(top), times)


def _y(count: int, top: int) -> float:
    return round(TOP + _HIGH * (1 - count / top), 2)


def _heights(top: int) -> list[Tick]:
    marks = (0, top // 2, top) if top % 2 == 0 else (0, top)
    return [Tick(_y(mark, top), f"{mark:,}") for mark in marks]


def _round_up(most: int) -> int:
    """The first of 1, 2, 4, 6, 8, 10, 20, 40 … that is no less."""
    if most <= 1:
        return 1
    power: int = 10 ** (len(str(most)) - 1)
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= most)
