"""Workbooks are read as a spreadsheet shows them, and hostile ones harm nobody."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from import_ledger import Ledger, numbers
from xls_file import Error, encrypted_xlsx, table, xls

from actors.errors import CallListValidationError
from actors.jobs.call_lists import workbook
from actors.jobs.call_lists.rows import Row, read_rows

ListOf = Callable[..., Path]
HEADER = ["phone_number", "name"]
AT = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001  # as workbooks have them


def xlsx(*sheets: list[list[object]], states: tuple[str, ...] = (), change: Callable[..., None] | None = None) -> bytes:
    """A workbook with these sheets; `change` is called with the book before it is saved."""
    book, content = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"Sheet {number}")
        sheet.sheet_state = states[number] if states else "visible"
        for row in rows:
            sheet.append(row)
    if change is not None:
        change(book)
    book.save(content)
    return content.getvalue()


def with_parts(content: bytes, parts: dict[str, bytes]) -> bytes:
    """The workbook with these parts in place of its own."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {**dict.fromkeys(old.namelist()), **parts}:
            new.writestr(name, parts[name] if name in parts else old.read(name))
    return changed.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
PLAIN = xlsx([HEADER, ["+79991000001", "Ann"], ["+79991000002", "Bob"]])
PLAIN_XLS = xls({"Sheet": table([HEADER, ["+79991000001", "Ann"], ["+79991000002", "Bob"]])})


def processor_s() -> float:
    """What this process and those that it has waited for have taken."""
    return sum(os.times()[:4])


def cells(path: Path) -> list[list[str]]:
    return [row.cells for row in read_rows(path)]


def refusal(path: Path) -> str:
    with pytest.raises(CallListValidationError) as refused:
        list(read_rows(path))
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("content", [PLAIN, PLAIN_XLS], ids=["xlsx", "xls"])
@pytest.mark.parametrize("name", ["list.xlsx", "list.xls", "list.xlsm", "LIST.XLS", "list.csv"])
def test_a_workbook_is_known_by_its_content_whatever_its_name(list_of: ListOf, content: bytes, name: str) -> None:
    assert cells(list_of(content, name)) == [HEADER, ["+79991000001", "Ann"], ["+79991000002", "Bob"]]


def test_every_kind_of_value_is_text(list_of: ListOf) -> None:
    values: list[object] = [79991234567.0, 7.9991234567e10, 5, 1.5, 1e22, True, AT,
                            date(2026, 1, 2), timedelta(hours=30), "=not a formula", "+7999"]  # fmt: skip

    def as_text(book: openpyxl.Workbook) -> None:
        book.active["J2"].data_type = "s"

    (_, row) = cells(list_of(xlsx([["phone_number"], values], change=as_text), "list.xlsx"))
    assert row == ["79991234567", "79991234567", "5", "1.5", "1e+22", "TRUE", "2026-01-02 03:04:05", "2026-01-02",
                   "30:00:00", "=not a formula", "+7999"]  # fmt: skip
    (_, row) = cells(list_of(xls({"a": table([["phone_number"], [79991234567.0, 0.5, True, "Ё"]])}), "list.xls"))
    assert row == ["79991234567", "0.5", "TRUE", "Ё"]


def test_formulas_give_the_value_that_was_last_computed(list_of: ListOf) -> None:
    sheet = b"""<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
        <row r="1"><c r="A1" t="inlineStr"><is><t>phone_number</t></is></c></row>
        <row r="2"><c r="A2"><f>79991000000+1</f><v>79991000001</v></c></row>
        <row r="3"><c r="A3" t="str"><f>"+7"&amp;"999"</f><v>+7999</v></c></row></sheetData></worksheet>"""
    assert cells(list_of(with_parts(PLAIN, {SHEET: sheet}), "list.xlsx")) == [
        ["phone_number"],
        ["79991000001"],
        ["+7999"],
    ]


ROWS = [[None], [None], HEADER, [None], ["1", "Ann"], [None, " "], ["2", "Bob"]]


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_rows_are_numbered_as_the_spreadsheet_shows_them(list_of: ListOf, kind: str) -> None:
    shifted = [[None, *row] for row in ROWS]
    content = xlsx(shifted) if kind == "xlsx" else xls({"a": table(shifted)})
    assert list(read_rows(list_of(content, f"list.{kind}"))) == [
        Row(3, ["", *HEADER]),
        Row(5, ["", "1", "Ann"]),
        Row(7, ["", "2", "Bob"]),
    ]


def test_errors_in_cells_are_told_by_row(list_of: ListOf) -> None:
    def spoil(book: openpyxl.Workbook) -> None:
        for place, error in {"A2": "#N/A", "AB3": "#REF!", "A5": "#DIV/0!"}.items():
            book.worksheets[1][place] = error

    content = xlsx([["#N/A"]], [HEADER, [None, "Ann"], ["1"], ["2"], [None]], change=spoil)
    rows = list(read_rows(list_of(content, "list.xlsx")))
    assert {row.number: row.problem for row in rows} == {
        1: None,
        2: "Cell A2 is an error: #N/A",
        3: "Cell AB3 is an error: #REF!",
        4: None,
        5: "Cell A5 is an error: #DIV/0!",
    }
    sheets = {"other": table([[Error()]] * 4), "list": table([HEADER, [Error(), "Ann"], ["1"], [Error(0x17, True)]])}
    rows = list(read_rows(list_of(xls(sheets), "list.xls")))
    assert [(row.number, row.problem) for row in rows] == [
        (1, None),
        (2, "Cell A2 is an error: #N/A"),
        (3, None),
        (4, "Cell A4 is an error: #REF!"),
    ]


def test_merged_header_cells_are_columns_of_which_one_has_the_name(ledger: Ledger, list_of: ListOf) -> None:
    def merge(book: openpyxl.Workbook) -> None:
        book.active.merge_cells("B1:C1")

    content = xlsx([["Phone Number", "notes", None], [numbers(1)[0], "a", "b"]], change=merge)
    campaign = ledger.campaign()
    assert ledger.add(campaign, list_of(content, "list.xlsx")).created == 1
    assert ledger.tasks(campaign)[0]["contact_data"] == {"notes": "a", "column_3": "b"}


def test_the_sheet_with_the_numbers_is_the_list(list_of: ListOf) -> None:
    listed: list[list[object]] = [HEADER, ["1", "Ann"]]
    cover: list[list[object]] = [["Contacts of spring"]]
    assert cells(list_of(xlsx([], cover, listed), "list.xlsx"))[1] == ["1", "Ann"]
    assert cells(list_of(xlsx(listed, cover, states=("hidden", "visible")), "list.xlsx")) == cover
    assert cells(list_of(xls({"a": {}, "b": table(cover), "c": table(listed)}), "list.xls"))[1] == ["1", "Ann"]
    assert "no visible sheet with rows" in refusal(list_of(xlsx([], []), "list.xlsx"))


def test_an_import_of_a_workbook(ledger: Ledger, list_of: ListOf) -> None:
    rows: list[list[object]] = [["name", "PRIORITY", "Phone-Number"], ["Ann", 5, 79991000001], [], ["Bob", None, None]]
    rows += [["=1+1", 2, 79991000002], ["Dup", None, "+7 999 100-00-01"], ["Big", None, 7.99]]

    def as_text(book: openpyxl.Workbook) -> None:
        book.active["A5"].data_type = "s"

    campaign = ledger.campaign()
    result = ledger.add(campaign, list_of(xlsx(rows, change=as_text), "list.xlsx"))
    assert result.errors == [
        "Row 4: Empty phone number",
        "Row 6: Duplicate of row 2",
        "Row 7: Impossible number: 7.99 (too short)",
    ]
    assert [(task["phone_number"], task["contact_name"], task["priority"]) for task in ledger.tasks(campaign)] == [
        ("+79991000001", "Ann", 5),
        ("+79991000002", "=1+1", 2),
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (encrypted_xlsx(), "The workbook is protected with a password: list.xlsx"),
        (xls({"a": table([HEADER])}, password=True), "The workbook is protected with a password: list.xlsx"),
        (PLAIN[: len(PLAIN) // 2], "The workbook can't be read: list.xlsx is broken"),
        (PLAIN_XLS[:1000], "The workbook can't be read: list.xlsx is broken"),
        (with_parts(PLAIN, {SHEET: b"<worksheet><sheetData><row"}), "The workbook can't be read: list.xlsx is broken"),
    ],
)
def test_a_protected_or_broken_workbook_is_one_clear_error(list_of: ListOf, content: bytes, why: str) -> None:
    assert refusal(list_of(content, "list.xlsx")).startswith(why)


def test_an_archive_that_is_no_workbook_is_an_unsupported_format(list_of: ListOf) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("list.csv", "phone_number\n")
    assert refusal(list_of(archive.getvalue(), "list.xlsx")).startswith("Unsupported file format: list.xlsx")
    assert refusal(list_of(b"x", "list.ods")).startswith("Unsupported file format: .ods")


def dense(last: str) -> bytes:
    """A sheet of two cells, with nothing but memory between them."""
    cell = '<row r="{1}"><c r="{0}{1}"><v>1</v></c></row>'
    return f"<worksheet><sheetData>{cell.format('A', 1)}{last}</sheetData></worksheet>".encode()


STRINGS = b"<sst><si><t>" + b"x" * 30_000 + b"</t></si></sst>"
REPEATED = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(1, 60_000))
REPEATED_SHEET = f"<worksheet><sheetData>{REPEATED}</sheetData></worksheet>".encode()


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"xl/media/a.xml": b"0" * (3 << 20)}, "packed as only a zip bomb is"),
        ({f"xl/{part}.xml": bytes(range(256)) * 4 * (40 << 10) for part in range(4)}, "MiB unpacked; save it as CSV"),
        ({f"xl/{part}": b"" for part in range(10_001)}, "has over 10,000 parts"),
        ({SHEET: b'<!DOCTYPE a [<!ENTITY b "c">]><worksheet>&b;</worksheet>'}, "declares XML entities"),
        ({SHEET: dense('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')}, "takes too much memory"),
        ({"xl/sharedStrings.xml": STRINGS, SHEET: REPEATED_SHEET}, "takes too much memory"),
    ],
    ids=["ratio", "size", "parts", "entities", "a sheet of a terabyte", "strings repeated to gigabytes"],
)
def test_a_bomb_is_refused_and_takes_no_memory(list_of: ListOf, parts: dict[str, bytes], why: str) -> None:
    path = list_of(with_parts(PLAIN, parts), "list.xlsx")
    with pytest.raises(CallListValidationError, match=why):
        list(read_rows(path))


def test_a_file_over_the_set_size_is_not_even_looked_into(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate((64 << 20) + 1)
    assert "is over 64 MiB; save it as CSV" in refusal(path)


def test_a_reader_that_is_left_early_ends_its_process(list_of: ListOf, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Remembered(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[call-overload]
            started.append(self)

    monkeypatch.setattr(workbook.subprocess, "Popen", Remembered)
    rows = read_rows(list_of(xlsx([HEADER, *([str(n), "x" * 1000] for n in range(3000))]), "list.xlsx"))
    next(rows)
    assert started[0].poll() is None
    rows.close()
    assert started[0].returncode is not None


def test_progress_ends_with_the_whole_file(list_of: ListOf) -> None:
    path, seen = list_of(xlsx([HEADER, *([n, "x"] for n in range(3000))]), "list.xlsx"), []
    list(read_rows(path, lambda done, total: seen.append((done, total))))
    size = path.stat().st_size
    assert len(seen) > 2 and seen == sorted(seen) and seen[-1] == (size, size)


def test_a_long_workbook_is_read_many_times_as_fast_as_openpyxl_does(tmp_path: Path) -> None:
    path, rows = tmp_path / "list.xlsx", 15_000
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [["phone_number", "name", "notes"], *([79990000000 + n, f"Ann {n}", f"note {n}"] for n in range(rows))]:
        sheet.append(row)
    book.save(path)
    began = processor_s()
    assert sum(1 for _ in read_rows(path)) == rows + 1
    ours_s = processor_s() - began
    began = processor_s()
    book = openpyxl.load_workbook(path, read_only=True)
    assert sum(1 for _ in book.active.iter_rows(values_only=True)) == rows + 1
    book.close()
    # Over 5 times at 100,000 rows (tests/bench/importing.py); of so few, starting a process takes much of the time,
    # and on a busy machine more than that.
    assert processor_s() - began > ours_s


@st.composite
def spoiled(draw: st.DrawFn, whole: bytes) -> bytes:
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 8))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content)


PLAIN_SHEET = zipfile.ZipFile(io.BytesIO(PLAIN)).read(SHEET)
SPOILED_SHEET = spoiled(PLAIN_SHEET).map(lambda part: with_parts(PLAIN, {SHEET: part}))


@given(
    content=st.one_of(st.binary(min_size=1, max_size=200), spoiled(PLAIN), spoiled(PLAIN_XLS), SPOILED_SHEET),
    name=st.sampled_from(["list.csv", "list.xlsx", "list.xls"]),
)
@example(content=b"PK\x03\x04", name="list.xls")
@example(content=b"PK\x05\x06" + b"\0" * 18, name="list.xlsx")
@example(content=b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, name="list.csv")
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_bytes_are_in_a_file_they_are_rows_or_an_error(list_of: ListOf, content: bytes, name: str) -> None:
    try:
        numbered = [row.number for row in read_rows(list_of(content, name))]
    except CallListValidationError as error:
        assert "\n" not in str(error)
    else:
        assert numbered == sorted(set(numbered))
