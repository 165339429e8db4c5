"""Cells with an error (#N/A, #REF!), which the library that reads workbooks gives as empty ones."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from struct import Struct
from typing import IO
from xml.etree import ElementTree

_PIECE = 1 << 20
_ERROR_CELL = re.compile(rb"""<(?:\w+:)?c\b[^<>]*?\bt=["']e["'][^<>]*>(?:(?!</?(?:\w+:)?c\b).)*""", re.DOTALL)
_MARK = re.compile(rb"""\bt=["']e["']""")  # quickly found; nearly all lists have none
_PLACE = re.compile(rb"""\br=["']([A-Z]{1,3})(\d{1,7})["']""")
_VALUE = re.compile(rb"<(?:\w+:)?v>(#[^<]{1,20})<")
_IN_CELL = re.compile(rb"<(?:\w+:)?c\b")

_WORKSHEET = b"\x09\x08\x10\x00\x00\x06\x10\x00"  # how a BIFF8 worksheet begins
# The records of an error, and of a formula whose value is one: row, column, which error.
_BIFF_ERRORS = (
    re.compile(rb"\x05\x02\x08\x00(..)(..)..([\x00\x07\x0f\x17\x1d\x24\x2a])\x01", re.DOTALL),
    re.compile(rb"\x06\x00.\x00(..)(..)..\x02\x00([\x00\x07\x0f\x17\x1d\x24\x2a])\x00\x00\x00\xff\xff", re.DOTALL),
)
_BIFF_NAMES = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
_PLACE_IN_BIFF = Struct("<H")


def errors_of_xlsx(archive: zipfile.ZipFile, sheet: str) -> dict[int, str]:
    """For each row of the sheet in which there is an error: where, and which. Rows are numbered from 1."""
    errors: dict[int, str] = {}
    part = _part_of(archive, sheet)
    if part is None:
        return errors
    with archive.open(part) as content:
        for xml in _whole_cells(content):
            for cell in _ERROR_CELL.finditer(xml) if _MARK.search(xml) else ():
                place, value = _PLACE.search(cell[0]), _VALUE.search(cell[0])
                if place is not None:
                    _add(errors, int(place[2]), place[1].decode(), value[1].decode("utf-8", "replace") if value else "")
    return errors


def errors_of_xls(content: bytes, sheet: int) -> dict[int, str]:
    """The same for the worksheet of that number, from 0, in a workbook of the old format.

    Finds the records by their looks: to walk them, the file system that an .xls is would have to be read.
    """
    errors: dict[int, str] = {}
    begins = [match.start() for match in re.finditer(re.escape(_WORKSHEET), content)]
    if sheet >= len(begins):
        return errors
    end = begins[sheet + 1] if sheet + 1 < len(begins) else len(content)
    for record in _BIFF_ERRORS:
        for match in record.finditer(content, begins[sheet], end):
            row, column = _PLACE_IN_BIFF.unpack(match[1])[0], _PLACE_IN_BIFF.unpack(match[2])[0]
            if column < 256:
                _add(errors, row + 1, _letters(column), _BIFF_NAMES[match[3][0]])
    return errors


def _add(errors: dict[int, str], row: int, column: str, value: str) -> None:
    errors.setdefault(row, f"Cell {column}{row} is an error: {value}" if value else f"Cell {column}{row} is an error")


def _letters(column: int) -> str:
    return (chr(64 + column // 26) if column >= 26 else "") + chr(65 + column % 26)


def _whole_cells(content: IO[bytes]) -> Iterator[bytes]:
    """The XML in pieces that end where a cell begins."""
    rest = b""
    while piece := content.read(_PIECE):
        rest += piece
        last = max((match.start() for match in _IN_CELL.finditer(rest, max(0, len(rest) - 65_536))), default=0)
        yield rest[:last]
        rest = rest[last:]
    yield rest


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The name of the archive's part that a sheet is in."""
    names = {name.replace("\\", "/").lower(): name for name in archive.namelist()}
    workbook, relations = names.get("xl/workbook.xml"), names.get("xl/_rels/workbook.xml.rels")
    if workbook is None or relations is None:
        return None
    targets = {
        relation.get("Id"): relation.get("Target", "") for relation in ElementTree.fromstring(archive.read(relations))
    }
    for element in ElementTree.fromstring(archive.read(workbook)).iterfind(".//{*}sheet"):
        if element.get("name") == sheet:
            key = next((value for name, value in element.items() if name.endswith("}id")), None)
            path = posixpath.normpath(posixpath.join("/xl", targets.get(key, "").replace("\\", "/")))
            return names.get(path.lstrip("/").lower())
    return None
