"""The workbook of rejected rows: each as it came, its number, the reason; all of it or nothing."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from import_ledger import NOW, Ledger, numbers

from actors.errors import CallListValidationError, CampaignValidationError, DatabaseError
from actors.jobs.call_lists import rejects
from actors.jobs.call_lists.contacts import Rejected
from actors.jobs.call_lists.importing import ImportResult, import_call_list
from actors.jobs.call_lists.rejects import RejectsError, RejectsWorkbook
from actors.jobs.call_lists.rows import read_rows

ListOf = Callable[..., Path]
FORMULAS = ["=1+1", "+7…", "-1", "@x", "\t=2", "\r=3", "=cmd|' /C calc'!A0", "#N/A", "=", "_x003D_1+1"]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "rejects.xlsx"


def add(ledger: Ledger, path: Path, out: Path, slug: str = "spring") -> ImportResult:
    return import_call_list(ledger.connection, ledger.campaign(slug), path, NOW, rejects=out)


def rows(path: Path) -> list[list[str]]:
    return [row.cells for row in read_rows(path)]


def test_each_rejected_row_stands_there_as_it_came(ledger: Ledger, list_of: ListOf, out: Path) -> None:
    first, second, third = numbers(3)
    ledger.do_not_call(third)
    path = list_of(
        "name, Phone Number ,notes\n"
        f'Ann,{first},\nEve,,"said ""no"""\nDup, {first} ,twice\nBob,{second},fine\n\nNot,{third},\nWide,1,2,3,4\n'
    )
    result = add(ledger, path, out)
    assert rows(out) == [
        ["row", "reason", "name", " Phone Number ", "notes", "", ""],
        ["3", "Empty phone number", "Eve", "", 'said "no"', "", ""],
        ["4", "Duplicate of row 2", "Dup", f" {first} ", "twice", "", ""],
        ["7", "On the do-not-call list", "Not", third, "", "", ""],
        ["8", "5 cells, but the header has 3", "Wide", "1", "2", "3", "4"],
    ]
    assert result.errors == [f"Row {number}: {reason}" for number, reason, *_ in rows(out)[1:]]


def test_it_can_be_put_right_and_imported_again(ledger: Ledger, list_of: ListOf, out: Path) -> None:
    add(ledger, list_of("phone_number,name\n,Ann\n"), out)
    book = openpyxl.load_workbook(out)
    book.active["C2"] = numbers(1)[0]
    book.save(out)
    campaign = ledger.campaign("again")
    assert ledger.add(campaign, out).created == 1
    assert ledger.tasks(campaign)[0]["contact_name"] == "Ann"


def test_no_cell_ever_is_a_formula(ledger: Ledger, list_of: ListOf, out: Path) -> None:
    quoted = ",".join(f'"{text}"' for text in FORMULAS)
    add(ledger, list_of(f'phone_number,{quoted}\n"=1+1",{quoted}\n'), out)
    header, row = openpyxl.load_workbook(out).active.iter_rows()
    assert {cell.data_type for cell in (*header, *row)} == {"s"}
    written = [cell.value for cell in row[3:]]
    assert written[:5] == FORMULAS[:5] and written[6:] == [*FORMULAS[6:9], "_x005F_x003D_1+1"]
    assert [cell.quotePrefix for cell in row[2:]] == [True] * 8 + [False, True, False]
    assert rows(out)[1][12:] == FORMULAS[9:]  # what a spreadsheet shows of the escaped one


def test_what_a_workbook_cant_hold_is_replaced_or_cut(out: Path) -> None:
    with RejectsWorkbook(out) as workbook:
        workbook.begin(["phone_number"])
        workbook.add(Rejected(2, "bad", ["a\0b\x1f\ud800\uffff", "x" * 1_000_000, "z\n\t"]))
        workbook.add(Rejected(3, "wide", ["w"] * 20_000))
        workbook.finish()
    (_, _, first, long, lines, *_), wide = (row[:16_384] for row in rows(out)[1:])
    assert (first, lines) == ("a\ufffdb\ufffd\ufffd\ufffd", "z\n\t")
    assert len(long) == 32_767 and long.endswith("x…")
    assert wide.count("w") == 16_382


def test_any_number_of_rows_takes_the_same_memory(out: Path) -> None:
    def peak(rows: int) -> int:
        tracemalloc.start()
        try:
            with RejectsWorkbook(out) as workbook:
                workbook.begin(["phone_number", "notes"])
                for row in range(rows):
                    workbook.add(Rejected(row, "Empty phone number", ["", f"note {row} " + "x" * 100]))
                workbook.finish()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # imports
    assert peak(2000) - peak(200) < 50_000  # the cells alone are 250,000


def test_more_than_a_sheet_can_hold_goes_on_in_the_next(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejects, "_MOST_ROWS", 3)
    with RejectsWorkbook(out) as workbook:
        workbook.begin(["phone_number"])
        for row in range(2, 7):
            workbook.add(Rejected(row, "bad", ["1"]))
        workbook.finish()
    sheets = [[row[0] for row in sheet.iter_rows(values_only=True)] for sheet in openpyxl.load_workbook(out)]
    assert sheets == [["row", "2", "3"], ["row", "4", "5"], ["row", "6"]]


def test_it_is_made_even_when_nothing_was_rejected_and_replaces_an_older_one(
    ledger: Ledger, list_of: ListOf, out: Path
) -> None:
    out.write_bytes(b"older")
    add(ledger, list_of(f"phone_number,name\n{numbers(1)[0]},Ann\n"), out)
    assert rows(out) == [["row", "reason", "phone_number", "name"]]
    assert list(out.parent.iterdir()) == [out]


def test_an_import_that_fails_leaves_the_older_one_alone(
    ledger: Ledger, list_of: ListOf, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out.write_bytes(b"older")
    with pytest.raises(CallListValidationError):
        add(ledger, list_of("name\nAnn\n"), out)
    monkeypatch.setattr("actors.jobs.call_lists.ledger._COUNT", "SELECT 1 / 0, %(created)s, %(campaign)s")
    with pytest.raises(DatabaseError):
        add(ledger, list_of("phone_number,name\n,Ann\n"), out, "summer")
    assert out.read_bytes() == b"older"
    assert list(out.parent.iterdir()) == [out]


def test_it_appears_only_when_it_is_whole(ledger: Ledger, list_of: ListOf, out: Path) -> None:
    seen: list[bool] = []
    path = list_of("phone_number,x\n" + ",1\n" * 9000)
    campaign = ledger.campaign()
    import_call_list(ledger.connection, campaign, path, NOW, lambda done, total: seen.append(out.exists()), out)
    assert len(seen) > 2 and not any(seen) and out.exists()


def test_an_import_whose_rejects_cant_be_written_adds_nothing(
    ledger: Ledger, list_of: ListOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: Path
) -> None:
    path = list_of(f"phone_number\n{numbers(1)[0]}\n")
    with pytest.raises(RejectsError, match="No such file or directory"):
        add(ledger, path, tmp_path / "missing" / "rejects.xlsx", "one")
    with pytest.raises(CampaignValidationError, match=r"written as \.xlsx, not \.csv"):
        add(ledger, path, tmp_path / "rejects.csv", "two")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("openpyxl.Workbook.save", full)
    with pytest.raises(RejectsError, match="No space left on device"):
        add(ledger, path, out, "three")
    assert ledger.connection.execute("SELECT FROM call_tasks").rowcount == 0
    assert not list(out.parent.iterdir())
