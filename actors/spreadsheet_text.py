"""Somebody else's text in a file that is opened with a spreadsheet: shown as it is, and never a formula."""

from __future__ import annotations

import re

_LONGEST = 32_767  # characters in a cell
_UNWRITABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # in XML
_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # a spreadsheet would read a character out of `_x0041_`
_FORMULA = re.compile(r"[=+\-@\t\r＝＋－＠]")


def is_like_a_formula(text: str) -> bool:
    """Whether a spreadsheet may take it for one: at once in CSV; in a workbook once somebody edits the cell."""
    return _FORMULA.match(text) is not None


def workbook_text(text: str) -> str:
    """What to write into a workbook so that a spreadsheet shows `text`: characters that XML can't hold are replaced,
    and what is longer than a cell is cut."""
    written = _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", _LOOKS_ESCAPED.sub("_x005F_", text))
    return written if len(written) <= _LONGEST else f"{written[: _LONGEST - 1]}…"
