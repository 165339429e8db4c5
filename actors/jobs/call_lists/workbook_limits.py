"""How big a workbook may be, found out before anything of it is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

from actors.errors import CallListValidationError

MOST_MEMORY = 1 << 29
"""Bytes of address space for the process that reads a workbook."""
MOST_SECONDS = 300
"""Processor time for it."""

_MIB = 1 << 20
MOST_FILE_MIB = 64
"""Of the file as it is."""
MOST_UNPACKED_MIB = 128
"""Of all its parts unpacked: some 450,000 rows of five columns, for which 220 MB of memory are needed."""
_MOST_PARTS = 10_000
# Sheets shrink to a tenth, very regular ones to a fiftieth; a bomb to a thousandth. Small parts can't do harm.
_MOST_RATIO, _SMALL = 250, 1 * _MIB
# A workbook has no use for a document type, in which entities that grow without bounds are declared. It stands first.
_DOCUMENT_TYPE, _PROLOG = b"<!DOCTYPE", 1 << 16


def check_file(path: Path) -> None:
    """Raise CallListValidationError when the file is too big to be looked into."""
    if path.stat().st_size > MOST_FILE_MIB * _MIB:
        raise _too_big(path, f"is over {MOST_FILE_MIB} MiB")


def check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Raise CallListValidationError when what is packed in a workbook would be too much, unpacked.

    Judges by the archive's directory; one that lies about a part's size is stopped by the limit on memory.
    """
    parts = archive.infolist()
    if len(parts) > _MOST_PARTS:
        raise _too_big(path, f"has over {_MOST_PARTS:,} parts")
    if sum(part.file_size for part in parts) > MOST_UNPACKED_MIB * _MIB:
        raise _too_big(path, f"is over {MOST_UNPACKED_MIB} MiB unpacked")
    for part in parts:
        if part.file_size > max(_SMALL, _MOST_RATIO * part.compress_size):
            raise CallListValidationError(f"The workbook is refused: {path.name} is packed as only a zip bomb is")
        if part.filename.lower().endswith((".xml", ".rels")):
            with archive.open(part) as content:
                if _DOCUMENT_TYPE in content.read(_PROLOG):
                    raise CallListValidationError(f"The workbook is refused: {path.name} declares XML entities")


def _too_big(path: Path, why: str) -> CallListValidationError:
    return CallListValidationError(f"The workbook is too big: {path.name} {why}; save it as CSV")
