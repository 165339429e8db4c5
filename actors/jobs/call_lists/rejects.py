"""The workbook of rejected rows: each as it came, its number and the reason; to be put right and imported again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from actors.errors import CampaignServiceError, CampaignValidationError
from actors.jobs.call_lists.contacts import Rejected
from actors.spreadsheet_text import is_like_a_formula, workbook_text

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell import Cell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384  # what a spreadsheet can hold
_OURS = ("row", "reason")


class RejectsError(CampaignServiceError):
    """The workbook of rejected rows can't be written; the error's text is one line."""


class RejectsWorkbook:
    """Writes rejected rows, a row in memory at a time, to a workbook that appears under its name when it is whole.

    A context manager, left without an exception after `finish`: then the workbook is there, in the place of an older
    one. Left in any other way there is no trace of it. Every cell is text, whatever it looks like; characters that
    XML can't hold are replaced, and a cell longer than a spreadsheet's is cut. Raises RejectsError,
    and CampaignValidationError for a path with another ending.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() != ".xlsx":
            raise CampaignValidationError(f"Rejected rows are written as .xlsx, not {path.suffix or path.name}")
        self._path = path
        self._unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._header: list[str] = []
        self._rows = 0  # in the present sheet
        self._finished = False

    def __enter__(self) -> RejectsWorkbook:
        # Imported here: an import without rejects shall not pay its memory.
        from openpyxl import Workbook

        try:  # before the list is read, which may take long
            self._unfinished.touch()
            self._unfinished.unlink()  # nothing is there if we are killed
        except OSError as error:
            raise self._cant_be_written(error) from error
        self._book: Workbook = Workbook(write_only=True)
        self._sheet: WriteOnlyWorksheet | None = None
        return self

    def begin(self, header: Sequence[str]) -> None:
        """The list's own header; comes before all rows."""
        self._header = [*_OURS, *header]
        self._add(self._header)

    def add(self, rejected: Rejected) -> None:
        """A row that gave no contact."""
        if self._rows == _MOST_ROWS:
            self._sheet = None
            self._add(self._header)
        self._add([str(rejected.row), rejected.reason, *rejected.cells])

    def finish(self) -> None:
        """Write what is left; nothing can go wrong after this but the renaming."""
        try:
            self._book.save(self._unfinished)
            with self._unfinished.open("rb") as file:
                os.fsync(file.fileno())
        except OSError as error:
            raise self._cant_be_written(error) from error
        self._finished = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None and self._finished:
                self._unfinished.replace(self._path)
        except OSError as failed:
            raise self._cant_be_written(failed) from failed
        finally:
            self._unfinished.unlink(missing_ok=True)
            if not self._finished:
                self._discard()

    def _add(self, texts: Sequence[str]) -> None:
        if self._sheet is None:
            self._sheet = self._book.create_sheet()
            self._sheet.freeze_panes = "A2"
            self._rows = 0
        try:
            self._sheet.append([_cell(self._sheet, text) for text in texts[:_MOST_COLUMNS]])
        except OSError as error:
            raise self._cant_be_written(error) from error
        self._rows += 1

    def _discard(self) -> None:
        """The library keeps each sheet in a file of its own until it is saved."""
        for sheet in self._book.worksheets:
            with suppress(Exception):
                if not sheet.closed:
                    sheet.close()
                sheet._writer.cleanup()  # type: ignore[attr-defined]  # there is no public way

    def _cant_be_written(self, error: OSError) -> RejectsError:
        return RejectsError(f"Can't write the rejected rows to {self._path}: {error.strerror or error}")


def _cell(sheet: WriteOnlyWorksheet, text: str) -> Cell:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, workbook_text(text))
    cell.data_type = "s"  # the library has made formulas and errors of what looks like them
    cell.quotePrefix = is_like_a_formula(text)
    return cell
