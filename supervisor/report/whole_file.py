"""Files that are there only when they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actors.errors import CampaignServiceError


class ReportFileError(CampaignServiceError):
    """A report could not be written where it was asked for."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write what becomes `path`, replacing what is there, when the block ends well. Raises ReportFileError."""
    path = path.resolve()
    if path.exists() and not (path.is_file() or path.is_dir()):
        yield path  # a device or a pipe, which is written to and not replaced
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise ReportFileError(f"{path} can't be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
