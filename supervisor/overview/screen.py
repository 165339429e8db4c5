"""The overview on a terminal: fits its width and its height, whatever they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from supervisor.overview import words
from supervisor.overview.overview import CampaignLine, Load, Overview
from supervisor.report.bars import TasksBar, outcomes_chart
from supervisor.report.layout import NOTHING, plain
from supervisor.report.summary import Tasks
from supervisor.report.tables import status_text

_WIDE = 100
"""Columns from which two things stand side by side."""
_WIDEST_BAR = 40
_SPARKS = "▁▂▃▄▅▆▇█"
_PLAIN_SPARKS = "_.-:=+*#"
_STATE_STYLES = {"open": "bold red", "half_open": "yellow", "closed": "green"}

Lines = list[list[Segment]]


@dataclass(frozen=True)
class Screen:
    """What is shown now."""

    overview: Overview | None = None
    lost: str | None = None  # why there is nothing newer

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or options.size.height
        sections = [] if self.overview is None else _sections(self.overview, width, options.ascii_only)
        head = _drawn(console, options, _head(self.overview, self.lost))
        drawn = [(title, _drawn(console, options, body)) for title, body in sections]
        rooms = _rooms([len(lines) for _, lines in drawn], height - len(head))
        yield from _joined(head)
        for (title, lines), room in zip(drawn, rooms, strict=True):
            if room == 0:
                continue
            yield Segment.line()
            yield from _joined([*_drawn(console, options, Text(title, "bold")), *lines[:room]])
            if room < len(lines):
                hidden = f"… {len(lines) - room} more line{'s' if len(lines) - room > 1 else ''}"
                yield from _joined(_drawn(console, options, Text(hidden, "dim")))


def _rooms(heights: Sequence[int], free: int) -> list[int]:
    """How many of its lines each section may show, so that all together have `free`: the longest give way first, then
    the last ones. A section also takes a title and a blank line; one that is cut, a line that says so."""

    def taken(rooms: Sequence[int]) -> int:
        return sum(room + 2 + (room < height) for room, height in zip(rooms, heights, strict=True) if room)

    rooms = list(heights)
    while taken(rooms) > free and any(rooms):
        longest = max(range(len(rooms)), key=lambda index: rooms[index])
        if rooms[longest] > 2:
            rooms[longest] -= 1
        else:
            rooms[max(index for index, room in enumerate(rooms) if room)] = 0
    return rooms


def _sections(overview: Overview, width: int, ascii_only: bool) -> Iterable[tuple[str, RenderableType]]:
    """Title and body, what matters most first."""
    if overview.troubled:
        yield "Circuit breakers", _breakers(overview)
    yield "Campaigns", _campaigns(overview, width)
    limits, outcomes = _limits(overview), _outcomes(overview, width, ascii_only)
    if width >= _WIDE:
        both = Table.grid(padding=(0, 4, 0, 0))
        both.add_row(outcomes, limits)
        yield "The last hour, and calls against limits", both
    else:
        yield "The last hour", outcomes
        yield "Calls against limits", limits
    yield "Recent errors", _failures(overview)


def _head(overview: Overview | None, lost: str | None) -> Table:
    lines = Table.grid()
    lines.add_column(no_wrap=True, overflow="ellipsis")
    first = Text("campaignd", "bold")
    if overview is not None:
        first.append(f"  {overview.now:%Y-%m-%d} ").append(words.clock(overview.now), "bold").append(" UTC")
        first.append(f"  {words.headline(overview)}")
    lines.add_row(first)
    if lost is not None:
        lines.add_row(plain(lost, "bold red"))
    elif overview is not None and not overview.services:
        lines.add_row(Text(words.NOBODY_CALLS, "bold yellow"))
    elif overview is not None:
        running = "; ".join(words.process(service, overview.now) for service in overview.services)
        lines.add_row(plain(running, "dim"))
    return lines


def _breakers(overview: Overview) -> Table:
    table = _table(4, free=2)
    for breaker in overview.troubled:
        table.add_row(
            plain(breaker.service, "bold"),
            Text(words.breaker_state(breaker), _STATE_STYLES[breaker.state]),
            _cut(Text(f"since {words.since(breaker, overview.now)}, next try {words.next_try(breaker)}")),
            _cut(plain(breaker.last_error or "no error is known", "yellow")),
        )
    return table


def _campaigns(overview: Overview, width: int) -> RenderableType:
    if not overview.campaigns:
        return Text("none", "dim")
    bar = min(_WIDEST_BAR, width // 5)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(width // 4, 10))
    table.add_column(no_wrap=True)
    if width >= _WIDE:
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column()
    for campaign in overview.campaigns:
        table.add_row(
            plain(campaign.label if campaign.slug else campaign.name, "bold"),
            status_text(campaign.status),
            *([TasksBar(_tasks(campaign), bar)] if width >= _WIDE else []),
            f"{campaign.done}/{campaign.total}",
            _cut(_calling(campaign)),
        )
    if overview.unlisted:
        table.add_row(Text(f"and {overview.unlisted} more", "dim"))
    return table


def _tasks(campaign: CampaignLine) -> Tasks:
    """Those not settled and not on the phone stand as pending: which of them wait for a retry is not counted here."""
    calling = min(campaign.load.in_progress, campaign.total - campaign.done)
    left = campaign.total - campaign.done - calling
    return Tasks(campaign.total, left, calling, 0, campaign.completed, campaign.failed)


def _calling(campaign: CampaignLine) -> Text:
    said = Text()
    if campaign.status in ("running", "paused") or campaign.load.in_progress:
        said.append_text(_load(campaign.load))
    if campaign.why:
        said.append("  " if said else "").append_text(plain(campaign.why, "yellow"))
    return said


def _limits(overview: Overview) -> RenderableType:
    if not overview.shared:
        return Text("none", "dim")
    table = _table(3)
    for limit in overview.shared:
        table.add_row(Text(limit.kind, "dim"), plain(limit.name), _load(limit.load))
    return table


def _outcomes(overview: Overview, width: int, ascii_only: bool) -> Table:
    body = Table.grid()
    body.add_column(no_wrap=True, overflow="ellipsis")
    minutes = overview.minutes[-max(min(width - 30, 61), 10) :]
    sparks = _PLAIN_SPARKS if ascii_only else _SPARKS
    most = max(minutes, default=0)
    line = "".join(sparks[round(count / most * (len(sparks) - 1))] if most else sparks[0] for count in minutes)
    body.add_row(Text.assemble(("in progress ", "dim"), (line, "cyan"), (f" at most {most}", "dim")))
    if overview.last_hour:
        body.add_row(outcomes_chart(overview.last_hour, 20))
    else:
        body.add_row(Text("no calls have ended", "dim"))
    return body


def _failures(overview: Overview) -> RenderableType:
    if not overview.failures:
        return Text("none", "dim")
    table = _table(4)
    for failure in overview.failures:
        table.add_row(
            Text(words.ago(failure.at, overview.now), "dim"),
            plain(failure.source),
            f"{failure.count} ×" if failure.count > 1 else "",
            _cut(plain(failure.said or NOTHING, "yellow")),
        )
    return table


def _table(columns: int, free: int = 1) -> Table:
    """A table whose last columns are `free` to be cut."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(columns - free):
        table.add_column(no_wrap=True, overflow="ellipsis")
    for _ in range(free):
        table.add_column()
    return table


def _cut(text: Text) -> Text:
    """For a free column, which gives way first: cut where it ends, never broken."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _load(load: Load) -> Text:
    return Text(load.written, "bold" if load.is_full else "")


def _drawn(console: Console, options: ConsoleOptions, what: RenderableType) -> Lines:
    return console.render_lines(what, options.update(height=None), pad=False)


def _joined(lines: Lines) -> Iterable[Segment]:
    for line in lines:
        yield from line
        yield Segment.line()
