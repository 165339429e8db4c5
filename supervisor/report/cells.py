"""Cells of a workbook: typed, formatted, and never a formula."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from actors.spreadsheet_text import is_like_a_formula, workbook_text
from supervisor.report.rows import Kind

_FORMATS = {
    Kind.TEXT: "General",
    Kind.INTEGER: "#,##0",
    Kind.BOOLEAN: "General",
    Kind.SECONDS: "0.0",
    Kind.MONEY: "#,##0.00##",
    Kind.SHARE: "0.0%",
    Kind.RATIO: "0.00",
    Kind.TIME: "yyyy-mm-dd hh:mm:ss",
}
WIDTHS = {Kind.TEXT: 20, Kind.TIME: 20}
_HEADER_FONT = Font(bold=True, color="FFFFFF")
_HEADER_FILL = PatternFill("solid", start_color="1F3864")


class ColumnCells:
    """The cells of one column, made one at a time: a sheet writes a cell as soon as it gets it, so that the next value
    can have the same one."""

    def __init__(self, sheet: Worksheet, kind: Kind) -> None:
        self._sheet = sheet
        self._cell = WriteOnlyCell(sheet)
        self._cell.number_format = _FORMATS[kind]
        self._quoted = text_cell(sheet, "=")

    def of(self, value: Any, zone: ZoneInfo | None = None) -> Cell | None:
        """A cell with this value, a time in `zone`; None for an empty one."""
        if value is None:
            return None
        if isinstance(value, str):
            return _set_text(self._quoted if is_like_a_formula(value) else self._cell, value)
        if isinstance(value, datetime):
            # A workbook knows no zones: it shows the time on the wall there.
            value = value.astimezone(zone).replace(tzinfo=None, microsecond=0)
        self._cell.value = float(value) if isinstance(value, Decimal) else value
        return self._cell


def text_cell(sheet: Worksheet, text: str) -> Cell:
    """A cell that holds `text` and stays text, even when somebody edits it, if it looks like a formula."""
    cell = WriteOnlyCell(sheet)
    cell.quotePrefix = is_like_a_formula(text)
    return _set_text(cell, text)


def header_cells(sheet: Worksheet, titles: list[str]) -> list[Cell]:
    """The row of titles above a table."""
    cells = [text_cell(sheet, title) for title in titles]
    for cell in cells:
        cell.font = _HEADER_FONT
        cell.fill = _HEADER_FILL
        cell.alignment = Alignment(vertical="center", wrap_text=True)
    return cells


def bold_cell(sheet: Worksheet, text: str) -> Cell:
    """A heading."""
    cell = text_cell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _set_text(cell: Cell, text: str) -> Cell:
    cell.value = workbook_text(text)
    cell.data_type = "s"  # openpyxl takes "=…" for a formula and "#N/A" for an error
    return cell
