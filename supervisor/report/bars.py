"""Bars made of characters that differ in shape as well as in colour, for terminals without colours, and people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from supervisor.report.summary import Tasks, in_order

_EIGHTHS = " ▏▎▍▌▋▊▉"
# What a contact is, its character (and the one for a terminal without Unicode), and its colour.
_PARTS = (
    ("reached", "█", "#", "green"),
    ("not reached", "▓", "x", "red"),
    ("on the phone", "▒", "o", "yellow"),
    ("to try again", "░", "~", "magenta"),
    ("not called yet", "·", ".", "dim"),
)
_OUTCOME_STYLES = {"answered": "green", "voicemail": "cyan", "no_answer": "yellow", "busy": "yellow"}


@dataclass(frozen=True)
class TasksBar:
    """What became of a campaign's contacts so far, in one line as wide as there is room, up to `width`."""

    tasks: Tasks
    width: int

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(8, self.width), self.width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        tasks = self.tasks
        counts = (tasks.completed, tasks.failed, tasks.in_progress, tasks.retry, tasks.pending)
        bar = Text(no_wrap=True, end="")
        for (_, character, plain, style), length in zip(
            _PARTS, _shares(counts, min(self.width, options.max_width)), strict=True
        ):
            bar.append((plain if options.ascii_only else character) * length, style)
        yield bar


@dataclass(frozen=True)
class Legend:
    """What a TasksBar's characters mean."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = Text(no_wrap=True, overflow="ellipsis")
        for name, character, plain, style in _PARTS:
            line.append(plain if options.ascii_only else character, style)
            line.append(f" {name}  ", "dim")
        line.rstrip()
        yield line


@dataclass(frozen=True)
class Bar:
    """A length, `count` of at most `most`."""

    count: int
    most: int
    width: int
    style: str

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, self.width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        whole, eighths = divmod(round(self.count / self.most * min(self.width, options.max_width) * 8), 8)
        bar = "#" * max(whole, 1) if options.ascii_only else "█" * whole + _EIGHTHS[eighths].strip()
        yield Text(bar, self.style, no_wrap=True, end="")


def outcomes_chart(by_outcome: Mapping[str, int], width: int) -> Table:
    """A row for each outcome that occurred, always in the same order, so that rows keep their places as they grow."""
    chart = Table.grid(padding=(0, 2, 0, 0))
    chart.add_column(no_wrap=True)
    chart.add_column(justify="right", no_wrap=True)
    chart.add_column(justify="right", no_wrap=True, style="dim")
    chart.add_column(no_wrap=True)
    total, most = sum(by_outcome.values()), max(by_outcome.values(), default=0)
    for outcome, count in in_order(by_outcome).items():
        style = _OUTCOME_STYLES.get(outcome, "red")
        chart.add_row(outcome, str(count), f"{count / total:.0%}", Bar(count, most, width, style))
    return chart


def _shares(counts: Sequence[int], width: int) -> list[int]:
    """`width` split as `counts` are to each other, exactly, and nothing that is there without a character."""
    total = sum(counts)
    if total == 0:
        return [0] * (len(counts) - 1) + [width]
    exact = [count / total * width for count in counts]
    shares = [max(int(share), 1 if count else 0) for share, count in zip(exact, counts, strict=True)]
    while (missing := width - sum(shares)) != 0:
        step = 1 if missing > 0 else -1
        candidates = [index for index, count in enumerate(counts) if count and (step > 0 or shares[index] > 1)]
        if not candidates:  # narrower than there are parts
            return shares
        shares[max(candidates, key=lambda index: (exact[index] - shares[index]) * step)] += step
    return shares
