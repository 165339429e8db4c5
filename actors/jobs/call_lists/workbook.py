"""Workbooks, read by a process of their own: whatever a hostile or broken one does there, the caller gets an error.

The library that reads them holds a whole sheet in memory, and a workbook of a kilobyte can have a sheet of a
terabyte; what can't be had then ends the process that asked for it. That process has a limit on its memory.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import IO, Any

from actors.errors import CallListValidationError
from actors.jobs.call_lists.rows import Progress, Row

FRAME = Struct("!I")
"""Before each message of the reading process: its length. A message is one of marshal's values: a batch of rows with
the number of the sheet's last row, the reason why the workbook is refused, or None after the last batch."""

_PROGRAM = "actors.jobs.call_lists.workbook_process"
_PIPE = 1 << 20
_ROOT = Path(__file__).resolve().parents[3]  # what has `actors` in it


def read_workbook(path: Path, progress: Progress) -> Iterator[Row]:
    """The rows of a workbook, the header first; which sheet, and what its cells say as text: workbook_sheet.py.

    Raises CallListValidationError for one that is broken, protected, or too big.
    """
    size = path.stat().st_size
    search = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", _PROGRAM, str(path.absolute())]
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    streams["pipesize"] = _PIPE  # so that both processes work at a time
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": search}, **streams) as process:
        assert process.stdout is not None
        try:
            while (message := _message(process.stdout, path)) is not None:
                if isinstance(message, str):
                    raise CallListValidationError(message)
                rows, last = message
                yield from map(Row._make, rows)
                progress(size * rows[-1][0] // last, size)
            progress(size, size)
        finally:
            process.kill()


def _message(pipe: IO[bytes], path: Path) -> Any:
    head = pipe.read(FRAME.size)
    if len(head) == FRAME.size and len(message := pipe.read(FRAME.unpack(head)[0])) == FRAME.unpack(head)[0]:
        return marshal.loads(message)
    raise CallListValidationError(
        f"The workbook can't be read: {path.name} is broken, or takes too much memory (save it as CSV then)"
    )
