"""Which encoding a text file is in: told by its byte order mark, by strict UTF-8, and last by its letters."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_CHUNK = 1 << 20
_HEAD = 4096
_SAMPLE = 1 << 20  # bytes around letters that are not ASCII, enough to tell languages apart
# In Cyrillic text such letters stand side by side; in Western text each stands among ASCII letters.
_SIDE_BY_SIDE = re.compile(rb"[\xa8\xb8\xc0-\xff]{2}")
_AMONG_ASCII = re.compile(rb"[A-Za-z][\xc0-\xff]|[\xc0-\xff][A-Za-z]")
_MOSTLY = 10


class Encoding(NamedTuple):
    """A codec, and what it does with bytes it can't read: they become lone surrogates, found again in their row."""

    codec: str
    errors: str


def encoding_of(path: Path) -> Encoding:
    """The encoding of the text file at `path`: UTF-8, UTF-16, cp1251 or cp1252. Reads all of it, a piece at a time.

    A file of mostly good UTF-8 is UTF-8 in which something is broken, not text in another encoding.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Encoding("utf-16", "surrogatepass")
    if sixteen := _utf_16_without_mark(head):
        return Encoding(sixteen, "surrogatepass")
    utf_8 = "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
    if utf_8 == "utf-8-sig" or _is_utf_8(path):
        return Encoding(utf_8, "surrogateescape")
    sample = _sample(path)
    if _is_mostly_utf_8(sample):
        return Encoding(utf_8, "surrogateescape")
    return Encoding(_code_page(sample), "surrogateescape")


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _utf_16_without_mark(head: bytes) -> str | None:
    """A header has ASCII letters, of which every other byte is zero in UTF-16."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) * 10 < len(head):
        return None
    if odd > 10 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 10 * odd else None


def _is_utf_8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _sample(path: Path) -> bytes:
    """Chunks that hold more than ASCII, about a megabyte of them."""
    sample = bytearray()
    for chunk in _chunks(path):
        if not chunk.isascii():
            sample += chunk
        if len(sample) >= _SAMPLE:
            break
    return bytes(sample)


def _is_mostly_utf_8(sample: bytes) -> bool:
    text = sample.decode("utf-8", "surrogateescape")
    beyond_ascii = sum(character > "\x7f" for character in text)
    broken = sum("\udc80" <= character <= "\udcff" for character in text)
    return beyond_ascii - broken > _MOSTLY * broken


def _code_page(sample: bytes) -> str:
    side_by_side, among_ascii = len(_SIDE_BY_SIDE.findall(sample)), len(_AMONG_ASCII.findall(sample))
    # Without either there are signs (£, €) and letters that stand alone: hardly in a list that is written in Cyrillic.
    return "cp1251" if side_by_side > among_ascii else "cp1252"
