"""How far a file has been read, for whoever watches."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from actors.jobs.call_lists.rows import Progress as ReadSoFar


@contextmanager
def reading_bar(name: str) -> Iterator[ReadSoFar]:
    """A progress bar on the terminal, if there is one, to be told what has been read of the file of this name."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    # Only where somebody looks: memory for some 60,000 rows.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
