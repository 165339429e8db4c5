"""The sheet of a workbook that is the call list, and its cells as text. Runs in the process that reads workbooks."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from actors.errors import CallListValidationError
from actors.jobs.call_lists.columns import PHONE_NUMBER, name_of
from actors.jobs.call_lists.rows import Row
from actors.jobs.call_lists.workbook_errors import errors_of_xls, errors_of_xlsx
from actors.jobs.call_lists.workbook_limits import check_archive, check_file

_WORKBOOK_PART = "xl/workbook.xml"
# An .xlsx with a password is an encrypted part of an OLE file; an .xls says it in its first records.
_ENCRYPTED = re.compile(
    re.escape("EncryptedPackage".encode("utf-16-le"))
    + rb"|\x09\x08\x10\x00\x00\x06\x05\x00.{12}(?:\x86\x00\x00\x00)?\x2f\x00",
    re.DOTALL,
)
_EXACT = 2**53  # up to here a float is the whole number it seems to be


class Sheet:
    """The rows of a sheet, with the numbers that a spreadsheet shows."""

    def __init__(self, sheet: CalamineSheet, errors: dict[int, str]) -> None:
        self._sheet = sheet
        self._errors = errors
        self.last_row = max(sheet.end[0] + 1 if sheet.end else 1, *errors, 1)

    def rows(self) -> Iterator[Row]:
        """Those that are not blank; one with an error in a cell (#N/A) says so."""
        before = [""] * (self._sheet.start[1] if self._sheet.start else 0)
        errors = self._errors
        for number, cells in enumerate(self._sheet.iter_rows(), start=1):
            row = before + [cell if type(cell) is str else _text(cell) for cell in cells]
            problem = errors.pop(number, None) if errors else None
            if problem or "".join(row).strip():
                yield Row(number, row, problem)
        for number in sorted(errors):  # rows of nothing but errors, at the end
            yield Row(number, [], errors[number])


def open_sheet(path: Path) -> Sheet:
    """The first visible sheet with a column phone_number; if none has it, the first that is not empty.

    Raises CallListValidationError when the workbook is too big, broken, protected, or has no rows.
    """
    check_file(path)
    content = path.read_bytes()
    archive = None
    try:
        if content.startswith(b"PK"):
            archive = zipfile.ZipFile(path)
            check_archive(path, archive)
            if _WORKBOOK_PART not in (name.replace("\\", "/").lower() for name in archive.namelist()):
                raise CallListValidationError(f"Unsupported file format: {path.name} is an archive, not a workbook")
        elif _ENCRYPTED.search(content):
            raise PasswordError
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        number, sheet = _call_list(workbook, path)
        errors = errors_of_xlsx(archive, sheet.name) if archive else errors_of_xls(content, number)
    except PasswordError:
        raise CallListValidationError(f"The workbook is protected with a password: {path.name}") from None
    except (CalamineError, zipfile.BadZipFile) as error:
        reason = "".join(character if character.isprintable() else " " for character in str(error))
        raise CallListValidationError(f"The workbook can't be read: {path.name} is broken ({reason})") from error
    return Sheet(sheet, errors)


def _call_list(workbook: CalamineWorkbook, path: Path) -> tuple[int, CalamineSheet]:
    """The sheet that `open_sheet` promises, and which worksheet of the workbook it is, from 0."""
    first: tuple[int, CalamineSheet] | None = None
    worksheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    for number, metadata in enumerate(worksheets):
        if metadata.visible != SheetVisibleEnum.Visible:
            continue
        sheet = workbook.get_sheet_by_name(metadata.name)
        header = next((cells for cells in sheet.iter_rows() if any(cells)), None)
        if header is None:
            continue
        if PHONE_NUMBER in (name_of(cell) for cell in header if isinstance(cell, str)):
            return number, sheet
        if first is None:
            first = number, sheet
    if first is None:
        raise CallListValidationError(f"The call list is empty: {path} has no visible sheet with rows")
    return first


def _text(cell: Any) -> str:
    """A cell's value as a spreadsheet writes it into CSV; whole numbers, which come as floats, without a point."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXACT else str(cell)
    match cell:
        case bool():
            return "TRUE" if cell else "FALSE"
        case datetime():
            return cell.isoformat(" ")
        case timedelta():
            minutes, seconds = divmod(round(cell.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        case date() | time():
            return cell.isoformat()
        case _:
            return str(cell)
