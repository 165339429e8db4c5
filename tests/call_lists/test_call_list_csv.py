"""CSV is read as a spreadsheet reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actors.errors import CallListValidationError
from actors.jobs.call_lists.rows import Row, read_rows

ListOf = Callable[..., Path]

CYRILLIC = "Ёжиков Пётр"
WESTERN = "Zoë Müller-Strauß"


def cells(path: Path) -> list[list[str]]:
    return [row.cells for row in read_rows(path)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", CYRILLIC),
        ("utf-8-sig", CYRILLIC),
        ("utf-16", CYRILLIC),
        ("utf-16-le", CYRILLIC),
        ("utf-16-be", CYRILLIC),
        ("cp1251", CYRILLIC),
        ("cp1252", WESTERN),
        ("utf-8", WESTERN),
        ("utf-8", "王小明"),
        ("ascii", "Bob"),
    ],
)
def test_every_encoding_with_every_separator(list_of: ListOf, encoding: str, name: str, separator: str) -> None:
    lines = [["phone_number", "name", "notes"], ["+79991234567", name, f'"a{separator} b\r\nc"'], ["1", "x", "y"]]
    path = list_of("".join(separator.join(line) + "\r\n" for line in lines).encode(encoding))
    assert [row.number for row in read_rows(path)] == [1, 2, 3]
    assert cells(path) == [lines[0], ["+79991234567", name, f"a{separator} b\r\nc"], lines[2]]


@pytest.mark.parametrize("text", ["owes £100", "owes €50", "Æ Smith", "naïve", "Žižek"])
def test_western_signs_and_single_letters_do_not_make_a_list_cyrillic(list_of: ListOf, text: str) -> None:
    assert cells(list_of(f"phone_number,notes\n1,{text}\n".encode("cp1252")))[-1] == ["1", text]


def test_a_big_endian_mark_is_understood(list_of: ListOf) -> None:
    path = list_of(b"\xfe\xff" + f"phone_number\n{CYRILLIC}\n".encode("utf-16-be"))
    assert cells(path) == [["phone_number"], [CYRILLIC]]


def test_letters_far_into_the_file_decide_its_encoding(list_of: ListOf) -> None:
    padding = "phone_number,name\n" + "1,Bob\n" * 200_000
    assert cells(list_of((padding + f"2,{CYRILLIC}\n").encode("cp1251")))[-1] == ["2", CYRILLIC]
    assert cells(list_of((padding + f"2,{WESTERN}\n").encode("cp1252")))[-1] == ["2", WESTERN]
    assert cells(list_of((padding + f"2,{CYRILLIC}\n").encode()))[-1] == ["2", CYRILLIC]


def test_one_broken_byte_does_not_turn_a_utf_8_list_into_another_encoding(list_of: ListOf) -> None:
    text = f"phone_number,name\n1,{CYRILLIC}\n2,{CYRILLIC}\n".encode()
    read = cells(list_of(text + b"3,\xd0\n"))
    assert read[1:3] == [["1", CYRILLIC], ["2", CYRILLIC]]
    assert read[3] == ["3", "\udcd0"]  # a lone surrogate, which makes it a bad row


def test_rows_are_numbered_as_a_spreadsheet_shows_them(list_of: ListOf) -> None:
    path = list_of('phone_number,notes\n1,"two\nlines\n\nmore"\n\n   \n,\n2,last\r3,mac\r\n')
    assert list(read_rows(path)) == [
        Row(1, ["phone_number", "notes"]),
        Row(2, ["1", "two\nlines\n\nmore"]),
        Row(6, ["2", "last"]),
        Row(7, ["3", "mac"]),
    ]


def test_an_empty_cell_that_was_written_is_a_row(list_of: ListOf) -> None:
    assert list(read_rows(list_of('phone_number\n1\n""\n\n'))) == [
        Row(1, ["phone_number"]),
        Row(2, ["1"]),
        Row(3, [""]),
    ]


def test_the_separator_is_not_looked_for_within_quotes(list_of: ListOf) -> None:
    path = list_of('"a, b, c, d";"Phone Number";x\n1;2;3\n')
    assert cells(path) == [["a, b, c, d", "Phone Number", "x"], ["1", "2", "3"]]


def test_the_line_that_tells_excel_the_separator_is_no_row(list_of: ListOf) -> None:
    assert list(read_rows(list_of("sep=|\r\nphone_number|name\r\n1|Bob\r\n"))) == [
        Row(1, ["phone_number", "name"]),
        Row(2, ["1", "Bob"]),
    ]


def test_a_quote_that_is_never_closed_is_a_problem_of_its_row(list_of: ListOf) -> None:
    read = list(read_rows(list_of('phone_number,name\n1,Ann\n2,"Bob\n3,Carl\n')))
    assert [row.problem for row in read[:2]] == [None, None]
    assert read[2].number == 3 and "never closed" in str(read[2].problem)
    assert len(read) == 3


def test_a_cell_without_end_does_not_fill_the_memory(list_of: ListOf) -> None:
    with pytest.raises(CallListValidationError, match=r"^Row 2: .*never closed"):
        list(read_rows(list_of('phone_number\n"' + "1234567\n" * 2_200_000)))
    with pytest.raises(CallListValidationError, match=r"^Row 2: line larger than"):
        list(read_rows(list_of("phone_number\n" + "x" * (17 << 20))))


@pytest.mark.parametrize("name", ["list.txt", "list.pdf", "list", "list.csv.zip"])
def test_another_format_is_refused(list_of: ListOf, name: str) -> None:
    with pytest.raises(CallListValidationError, match=r"^Unsupported file format: "):
        list(read_rows(list_of("phone_number\n", name)))


@pytest.mark.parametrize(
    ("content", "name", "why"),
    [
        (b"%PDF-1.7\n", "list.csv", "is a PDF"),
        (b"\xef\xbb\xbf\n<HTML><table><tr><td>phone_number", "list.xls", "is a web page or XML"),
        (b"<?xml version='1.0'?><Workbook>", "list.xls", "is a web page or XML"),
        (b"\x09\x00\x04\x00\x02\x00\x10\x00", "list.xls", "is neither a workbook nor text"),
    ],
)
def test_what_is_neither_text_nor_a_workbook_is_refused(list_of: ListOf, content: bytes, name: str, why: str) -> None:
    with pytest.raises(CallListValidationError, match=f"^Unsupported file format: {name} {why}"):
        list(read_rows(list_of(content, name)))


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "utf-16"])
@pytest.mark.parametrize("name", ["list.xls", "list.xlsx"])
def test_csv_with_the_name_of_a_workbook_is_read_as_csv(list_of: ListOf, name: str, encoding: str) -> None:
    path = list_of(f"phone_number\tname\n1\t{CYRILLIC}\n".encode(encoding), name)
    assert cells(path) == [["phone_number", "name"], ["1", CYRILLIC]]


def test_the_case_of_the_ending_does_not_matter(list_of: ListOf) -> None:
    assert cells(list_of("phone_number\n", "LIST.CSV")) == [["phone_number"]]


def test_what_cant_be_read_says_so(list_of: ListOf, tmp_path: Path) -> None:
    with pytest.raises(CallListValidationError, match="No such file"):
        list(read_rows(tmp_path / "missing.csv"))
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(CallListValidationError, match="Not a file"):
        list(read_rows(tmp_path / "folder.csv"))
    with pytest.raises(CallListValidationError, match="empty"):
        list(read_rows(list_of("")))
    with pytest.raises(CallListValidationError, match="cut short"):
        list(read_rows(list_of("phone_number\n1\n".encode("utf-16") + b"\x00")))


def test_progress_ends_with_the_whole_file(list_of: ListOf) -> None:
    path, seen = list_of("phone_number\n" + "123456789\n" * 20_000), []
    list(read_rows(path, lambda done, total: seen.append((done, total))))
    size = path.stat().st_size
    assert len(seen) > 2 and seen == sorted(seen) and seen[-1] == (size, size)
