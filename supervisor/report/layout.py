"""How tables look, and how they fit a terminal of any width. Names and messages are shown as they are: never as rich's
markup, and without control characters that a terminal would obey."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

NOTHING = "–"
ENDLESS = 100_000
"""Columns of a line that nobody breaks."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def plain(text: str, style: str = "") -> Text:
    """Somebody's text, with nothing in it that a terminal would obey."""
    return Text(_CONTROL.sub(" ", text), style=style)


def new_table(title: str | None = None) -> Table:
    """An empty table in the look that all of them share."""
    return Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False
    )


@dataclass(frozen=True)
class Layouts:
    """The same thing laid out for several widths: the first layout that has its width, and breaks no word, is shown;
    the last one fits everywhere."""

    layouts: tuple[tuple[int, RenderableType], ...]  # the width from which each is good, widest first

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unbounded = options.update(max_width=ENDLESS)  # a measurement is never wider than its options
        for width, layout in self.layouts[:-1]:
            if max(width, Measurement.get(console, unbounded, layout).minimum) <= options.max_width:
                yield layout
                return
        yield self.layouts[-1][1]
