"""The process that reads a workbook for `workbook.py`: `python -m actors.jobs.call_lists.workbook_process FILE`."""

from __future__ import annotations

import gc
import marshal
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from actors.errors import CallListValidationError
from actors.jobs.call_lists.workbook import FRAME
from actors.jobs.call_lists.workbook_limits import MOST_MEMORY, MOST_SECONDS
from actors.jobs.call_lists.workbook_sheet import Sheet, open_sheet

_BATCH = 1000


def main(path: Path) -> None:
    """Send the rows of the workbook at `path` to standard output, or why it is refused."""
    _lower(resource.RLIMIT_AS, MOST_MEMORY)
    _lower(resource.RLIMIT_CPU, MOST_SECONDS)
    _lower(resource.RLIMIT_CORE, 0)
    gc.disable()  # nothing here makes cycles, and looking for them takes a tenth of the time
    try:
        for message in _messages(open_sheet(path)):
            _send(message)
        _send(None)
    except CallListValidationError as error:
        _send(str(error))
    except BrokenPipeError:  # nobody wants the rest
        sys.stderr.close()


def _messages(sheet: Sheet) -> Iterator[tuple[list[tuple[Any, ...]], int]]:
    rows = sheet.rows()
    while batch := [tuple(row) for row in islice(rows, _BATCH)]:
        yield batch, sheet.last_row


def _send(message: Any) -> None:
    content = marshal.dumps(message)
    sys.stdout.buffer.write(FRAME.pack(len(content)) + content)
    sys.stdout.buffer.flush()


def _lower(limit: int, most: int) -> None:
    hard = resource.getrlimit(limit)[1]
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
