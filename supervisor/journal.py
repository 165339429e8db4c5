"""What systemd's journal asks of a line: its priority before it, and that it is one line."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import TextIO

_PRIORITY_OF_ERRORS = 3
_PRIORITIES = (
    (logging.CRITICAL, 2),
    (logging.ERROR, _PRIORITY_OF_ERRORS),
    (logging.WARNING, 4),
    (logging.INFO, 6),
    (logging.NOTSET, 7),
)
"""The least level, and syslog's number for it."""


def goes_to_journal(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether what is written to this stream becomes entries of the journal: systemd says in JOURNAL_STREAM which file
    that is, and somebody may have redirected it since."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):  # no file, or closed
        return False
    return environment.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def as_error(text: str, stream: TextIO) -> str:
    """What a command that fails says to people, with an error's priority if it becomes an entry of the journal."""
    if not goes_to_journal(stream):
        return text
    return "\n".join(f"<{_PRIORITY_OF_ERRORS}>{line}" for line in text.splitlines())


class JournalFormatter(logging.Formatter):
    """Another formatter's text as one entry with its priority; the lines of a traceback are joined by ` | `."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        lines = (line.strip() for line in self._inner.format(record).splitlines())
        priority = next(number for least, number in _PRIORITIES if record.levelno >= least)
        return f"<{priority}>{' | '.join(filter(None, lines))}"
