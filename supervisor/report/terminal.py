"""The report for people, in a terminal or a text file."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from supervisor.report.layout import NOTHING, Layouts, new_table, plain
from supervisor.report.measures import Measure, measures
from supervisor.report.report import Figures, Report
from supervisor.report.rows import Kind
from supervisor.report.tables import summary_table

_COUNTS = 4  # the first measures, of tasks: a wide summary_table has them in its columns
_BAR = 24  # characters
_BAR_PARTS = " ▏▎▍▌▋▊▉█"


def report_renderable(report: Report) -> RenderableType:
    """All figures: of the one campaign, or of each with what they add up to, then the outcomes and hours of all."""
    shown = report.figures()
    if not shown:
        return Text("No campaigns.")
    together = report.total()
    compared = shown if len(shown) == 1 else [*shown, together]
    parts: list[RenderableType] = [summary_table([campaign.summary for campaign in report.campaigns])]
    parts.append(_figures(compared))
    if together.calls_by_outcome:
        for table in (_outcomes, _hours):
            parts.append(Layouts(((0, table(together, bars=True)), (0, table(together, bars=False)))))
    return Group(*(part for shown_part in parts for part in (shown_part, "")))


def _figures(compared: Sequence[Figures]) -> RenderableType:
    """Few campaigns stand side by side; many, one below the other, where the terminal is wide enough."""
    side_by_side = _side_by_side(compared)
    in_groups = Group(*(_side_by_side([figures]) for figures in compared))
    if len(compared) <= 4:
        return Layouts(((0, side_by_side), (0, in_groups)))
    return Layouts(((150, _below_each_other(compared)), (0, in_groups)))


def _side_by_side(compared: Sequence[Figures]) -> Table:
    table = new_table()
    table.add_column("")
    for figures in compared:
        table.add_column(plain(figures.title), justify="right", min_width=12)
    for row in zip(*(measures(figures) for figures in compared), strict=True):
        table.add_row(row[0].title, *(_shown(measure) for measure in row))
    return table


def _below_each_other(compared: Sequence[Figures]) -> Table:
    table = new_table()
    table.add_column("Campaign")
    for measure in measures(compared[0])[_COUNTS:]:
        table.add_column(measure.title, justify="right")
    for figures in compared:
        table.add_row(plain(figures.title), *(_shown(measure) for measure in measures(figures)[_COUNTS:]))
    return table


def _outcomes(figures: Figures, *, bars: bool) -> Table:
    table = new_table("Outcomes")
    table.add_column("Outcome", no_wrap=True)
    table.add_column("Calls", justify="right", no_wrap=True)
    table.add_column("Share", justify="right", no_wrap=True)
    if bars:
        table.add_column("", no_wrap=True)
    most = max(figures.calls_by_outcome.values())
    for outcome, count in sorted(figures.calls_by_outcome.items(), key=lambda item: -item[1]):
        bar = [_bar(count, most)] if bars else []
        table.add_row(outcome, f"{count:,}", f"{count / figures.calls_ended:.1%}", *bar)
    return table


def _hours(figures: Figures, *, bars: bool) -> Table:
    table = new_table(f"By hour ({figures.timezone or 'each campaign’s own time'})")
    table.add_column("Hour", no_wrap=True)
    for title in ("Calls", "Answered", "Average", "Cost"):
        table.add_column(title, justify="right")
    if bars:
        table.add_column("", no_wrap=True)
    most = max(hour.calls for hour in figures.analytics.by_hour)
    for hour in figures.analytics.by_hour:
        table.add_row(
            f"{hour.hour:02}:00",
            f"{hour.calls:,}",
            f"{hour.answered / hour.calls:.1%}",
            _shown(Measure("", Kind.SECONDS, hour.average_duration_s)),
            _shown(Measure("", Kind.MONEY, hour.cost.amount, hour.cost.currency or "")),
            *([_bar(hour.calls, most)] if bars else []),
        )
    return table


def _bar(count: int, most: int) -> str:
    whole, eighths = divmod(round(count / most * _BAR * 8), 8)
    return ("█" * whole + _BAR_PARTS[eighths]).rstrip()


def _shown(measure: Measure) -> str:
    value = measure.value
    if value is None:
        return NOTHING
    if measure.kind is Kind.SECONDS:
        return f"{value:.1f} s"
    if measure.kind is Kind.SHARE:
        return f"{value:.1%}"
    if measure.kind is Kind.RATIO:
        return f"{value:.2f}"
    if measure.kind is Kind.MONEY and isinstance(value, Decimal):
        return f"{value:,.2f} {measure.unit}" if value >= 1 else f"{value:.4f} {measure.unit}"
    return f"{value:,}" if isinstance(value, int) else str(value)
