"""Where tables are printed."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import IO

from rich.console import Console, RenderableType

from supervisor.report.layout import ENDLESS


class ReportConsole:
    """Prints tables as wide as the terminal; elsewhere (a pipe, a file) as wide as they are, so that no line is
    broken and `grep` finds whole rows."""

    def __init__(self, file: IO[str] | None = None) -> None:
        stream = file or sys.stdout
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no letter for it shows a question mark
        width = None if stream.isatty() else ENDLESS
        self._stream = stream
        self._console = Console(file=stream, width=width, soft_wrap=False)

    def print(self, renderable: RenderableType) -> None:
        if self._stream.isatty():
            self._console.print(renderable)
            return
        # A table pads its cells to the width of its columns, which in an endless line is all that has to go.
        with self._console.capture() as capture:
            self._console.print(renderable)
        self._stream.writelines(line.rstrip() + "\n" for line in capture.get().splitlines())
