"""Writes workbooks of the old format (BIFF8 in an OLE file), which nothing that is installed can write."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SECTOR = 512
_STREAM_FROM = 4096  # smaller streams would go to another allocation table
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


@dataclass(frozen=True)
class Error:
    """A cell with this error, typed in or as a formula's value."""

    code: int = 0x2A  # #N/A
    by_formula: bool = False


def xls(sheets: Mapping[str, Mapping[tuple[int, int], str | float | bool | Error]], *, password: bool = False) -> bytes:
    """A workbook whose sheets have these cells, each at its row and column from 0."""
    bodies = [_sheet(cells) for cells in sheets.values()]
    bounds_size = sum(4 + 8 + len(name) for name in sheets)
    head = _bof(0x0005) + (_record(0x002F, b"\1" + b"\0" * 53) if password else b"")
    start = len(head) + bounds_size + 4
    bounds = b""
    for name, body in zip(sheets, bodies, strict=True):
        bounds += _record(0x0085, struct.pack("<IBBBB", start, 0, 0, len(name), 0) + name.encode("latin-1"))
        start += len(body)
    return _ole("Workbook", head + bounds + _record(0x000A) + b"".join(bodies))


def encrypted_xlsx() -> bytes:
    """What a password makes of an .xlsx: an OLE file with the encrypted workbook in it."""
    return _ole("EncryptedPackage", b"\x17" * 6000)


def _record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _bof(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))


def _sheet(cells: Mapping[tuple[int, int], str | float | bool | Error]) -> bytes:
    return _bof(0x0010) + b"".join(_cell(*place, value) for place, value in sorted(cells.items())) + _record(0x000A)


def _cell(row: int, column: int, value: str | float | bool | Error) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    match value:
        case Error(code, by_formula=True):
            result = struct.pack("<BBBBBBH", 2, 0, code, 0, 0, 0, 0xFFFF)
            return _record(0x0006, place + result + struct.pack("<HIH", 0, 0, 1) + b"\x17")
        case Error(code):
            return _record(0x0205, place + bytes([code, 1]))
        case bool():
            return _record(0x0205, place + bytes([value, 0]))
        case str():
            return _record(0x0204, place + struct.pack("<HB", len(value), 1) + value.encode("utf-16-le"))
        case _:
            return _record(0x0203, place + struct.pack("<d", value))


def _ole(name: str, stream: bytes) -> bytes:
    stream = stream.ljust(_STREAM_FROM, b"\0")
    sectors = -(-len(stream) // _SECTOR)
    chain = [_FAT, _END, *range(3, sectors + 2), _END]  # the table itself, the directory, the stream
    table_sectors = 1
    assert len(chain) <= _SECTOR // 4 * table_sectors, "one sector of allocation table is enough for tests"
    table = struct.pack("<128I", *chain, *[_FREE] * (128 - len(chain)))
    directory = _entry("Root Entry", 5, child=1, start=_END, size=0) + _entry(name, 2, start=2, size=len(stream))
    directory += (_entry("", 0, start=0, size=0)) * 2
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, _STREAM_FROM, _END, 0, _END, 0)
    header += struct.pack("<109I", 0, *[_FREE] * 108)
    return header + table + directory + stream.ljust(sectors * _SECTOR, b"\0")


def _entry(name: str, kind: int, *, start: int, size: int, child: int = _FREE) -> bytes:
    encoded = (name + "\0").encode("utf-16-le") if name else b""
    head = encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded), kind, 1)
    return head + struct.pack("<III", _FREE, _FREE, child) + b"\0" * 36 + struct.pack("<III", start, size, 0)


def table(
    rows: Sequence[Sequence[str | float | bool | Error | None]], at: tuple[int, int] = (0, 0)
) -> dict[tuple[int, int], str | float | bool | Error]:
    """The cells of these rows, from a place on; None is no cell."""
    return {
        (at[0] + row, at[1] + column): value
        for row, values in enumerate(rows)
        for column, value in enumerate(values)
        if value is not None
    }
