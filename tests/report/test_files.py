"""CSV, workbooks and Parquet, read again by other programs."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import ledger
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook
from psycopg.types.json import Jsonb
from python_calamine import CalamineWorkbook

from supervisor.database.snapshot import snapshot
from supervisor.report import workbook
from supervisor.report.csv_file import inert
from supervisor.report.files import format_of, write_report
from supervisor.report.report import read_report
from supervisor.report.whole_file import ReportFileError, whole_file

Connection = psycopg.Connection[Any]
Write = Callable[..., Path]


@pytest.fixture
def write(connection: Connection, tmp_path: Path) -> Write:
    """Writes the report of acme, or of what is named, to a file of this name."""

    def write(name: str, format_: str | None = None, **chosen: Any) -> Path:
        out = tmp_path / name
        with snapshot(connection):
            report = read_report(connection, **(chosen or {"company": "acme"}))
            write_report(report, connection, format_ or format_of(out), out, company="acme")
        return out

    return write


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def test_csv_has_a_row_for_each_contact_and_the_columns_of_its_list(write: Write) -> None:
    path = write("spring.csv", campaign_ids=[ledger.SPRING])
    assert path.read_bytes().startswith(b"\xef\xbb\xbfcampaign,company,")  # for Excel, which else takes it for cp1252
    anna, bob, *_, unnamed = rows_of(path)
    assert anna == {
        "campaign": "spring",
        "company": "acme",
        "timezone": "Europe/Moscow",
        "task_id": "00000000-0000-0000-0000-000000000001",
        "phone_number": "+79990000001",
        "contact_name": "Анна",
        "status": "completed",
        "outcome": "answered",
        "attempts": "2",
        "priority": "5",
        "error_message": "",
        "last_attempt_at": "2026-03-02T09:30:00+03:00",
        "next_attempt_at": "",
        "answered_at": "2026-03-02T09:30:10+03:00",
        "ended_at": "2026-03-02T09:31:10+03:00",
        "ring_time_s": "10.0",
        "time_to_agent_s": "2.0",
        "duration_s": "60.0",
        "cost": "0.100000",
        "currency": "EUR",
        "created_at": "2026-03-02T03:00:00+03:00",
        "age": "",
        "city": "Псков",
        "status (list)": "VIP",
        "tags": "",
    }
    assert bob["time_to_agent_s"] == "0.0"
    assert (unnamed["contact_name"], unnamed["status"], unnamed["outcome"]) == ("", "in_progress", "")


def test_csv_has_no_formulas(write: Write) -> None:
    _, bob, unreached, retried, pending, _ = rows_of(write("spring.csv", campaign_ids=[ledger.SPRING]))
    assert bob["city"] == "'=1+1"
    assert (unreached["contact_name"], unreached["city"]) == ("'@x", "-1")
    assert (retried["contact_name"], retried["age"], retried["phone_number"]) == ("'+7 (999) ooo", "41", "+79990000004")
    assert (pending["contact_name"], pending["tags"]) == ("'=HYPERLINK(1)", '["a", "b"]')


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
def test_a_line_end_in_a_value_begins_no_row_which_might_be_a_formula(
    write: Write, connection: Connection, line_end: str
) -> None:
    value = f"ok{line_end}=cmd|' /C calc'!A0"
    connection.execute("UPDATE call_tasks SET contact_data = %s WHERE contact_name = 'Bob'", (Jsonb({"city": value}),))
    with write("spring.csv", campaign_ids=[ledger.SPRING]).open(encoding="utf-8-sig", newline="") as file:
        _, bob, *others = csv.DictReader(file)
    assert bob["city"] == value
    assert len(others) == 4


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "＝1+1", "-", "+"])
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    assert inert(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Anna", "1=1", "+79991234567", "-1", "-1,5", "+3.25", "a\n=1"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert inert(text) == text


def test_columns_of_a_list_stay_in_one_when_there_are_too_many(write: Write, connection: Connection) -> None:
    many = {f"column {number}": "x" for number in range(201)}
    connection.execute(
        "UPDATE call_tasks SET contact_data = contact_data || %s WHERE contact_name = 'Bob'", (Jsonb(many),)
    )
    anna, *_ = rows_of(write("spring.csv", campaign_ids=[ledger.SPRING]))
    assert list(anna)[-2:] == ["created_at", "contact_data"]
    assert anna["contact_data"] == '{"city": "Псков", "status": "VIP"}'


def test_a_workbooks_values_are_never_formulas(write: Write) -> None:
    sheet = load_workbook(write("spring.xlsx", campaign_ids=[ledger.SPRING]))["Contacts"]
    titles = [cell.value for cell in sheet[1]]
    name, number, city = (titles.index(title) for title in ("Contact name", "Phone number", "city"))
    found = [
        (row[column].value, row[column].data_type, row[column].quotePrefix)
        for row in sheet.iter_rows(min_row=2)
        for column in (name, number, city)
        if row[column].value is not None
    ]
    assert {kind for _, kind, _ in found} == {"s"}
    quoted = {value for value, _, quote in found if quote}
    assert quoted >= {"=1+1", "-1", "@x", "=HYPERLINK(1)", "+7 (999) ooo", "+79990000001"}
    assert {value for value, _, quote in found if not quote} == {"Анна", "Bob", "Псков"}


def test_a_workbook_shows_what_looks_like_an_escaped_character_as_it_is(write: Write, connection: Connection) -> None:
    text = "_x003D_1+1 and _x0041_"
    connection.execute("UPDATE call_tasks SET contact_name = %s WHERE contact_name = 'Bob'", (text,))
    book = CalamineWorkbook.from_path(write("spring.xlsx", campaign_ids=[ledger.SPRING]))
    titles, *rows = book.get_sheet_by_name("Contacts").to_python()
    assert text in [row[titles.index("Contact name")] for row in rows]


def test_a_workbook_is_typed_and_shows_the_campaigns_own_time(write: Write) -> None:
    path = write("spring.xlsx", campaign_ids=[ledger.SPRING])
    book = CalamineWorkbook.from_path(path)
    assert book.sheet_names == ["Summary", "Outcomes", "By hour", "Contacts"]
    titles, anna, *others = book.get_sheet_by_name("Contacts").to_python()
    shown = dict(zip(titles, anna, strict=True))
    assert shown["Last attempt"] == datetime(2026, 3, 2, 9, 30)  # noqa: DTZ001 (on the wall in Moscow)
    assert (shown["Attempts"], shown["Ring time, s"], shown["Cost"], shown["city"]) == (2, 10, 0.1, "Псков")
    assert len(others) == 5
    summary = {row[0]: row[1] for row in book.get_sheet_by_name("Summary").to_python()}
    assert summary[""] == "Spring renewals"
    assert (summary["Status"], summary["Error"]) == ("paused", "503")
    assert (summary["Success rate"], summary["Attempts per contact reached"]) == (0.6667, 2.5)
    assert (summary["Cost"], summary["Cost per success"], summary["Currency"]) == (0.31, 0.155, "EUR")
    assert book.get_sheet_by_name("Outcomes").to_python()[1] == ["Spring renewals", "answered", 2, 2 / 6]
    assert book.get_sheet_by_name("By hour").to_python()[2][:6] == [
        *("Spring renewals", "Europe/Moscow", "09:00", 2, 1, 0.5),
    ]


def test_a_workbook_of_a_company_compares_its_campaigns(write: Write) -> None:
    path = write("acme.xlsx")
    book = load_workbook(path)
    assert [cell.value for cell in book["Summary"]["A"]] == [
        "Campaign",
        "All campaigns",
        "Autumn survey",
        "Spring renewals",
    ]
    titles = [cell.value for cell in book["Summary"][1]]
    together = dict(zip(titles, (cell.value for cell in book["Summary"][2]), strict=True))
    assert (together["Success rate"], together["Cost"], together["Cost per call"]) == (
        0.75,
        "0.31 EUR + 0.02 USD",
        None,
    )
    assert book["Summary"].cell(2, titles.index("Success rate") + 1).number_format == "0.0%"
    (outcomes,), (hours,) = book["Outcomes"]._charts, book["By hour"]._charts
    assert outcomes.ser[0].val.numRef.f == "'Outcomes'!$C$2:$C$6"  # of all campaigns: the first five rows
    assert hours.ser[1].val.numRef.f == "'By hour'!$E$2:$E$6"


def test_more_contacts_than_a_sheet_has_rows_go_on_in_another(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "_MOST_ROWS", 3)
    book = CalamineWorkbook.from_path(write("spring.xlsx", campaign_ids=[ledger.SPRING]))
    assert book.sheet_names[3:] == ["Contacts", "Contacts 2"]
    first, second = (book.get_sheet_by_name(name).to_python() for name in book.sheet_names[3:])
    assert first[0] == second[0]
    assert [len(first), len(second)] == [4, 4]


def test_text_that_a_workbook_cannot_hold_is_replaced(write: Write, connection: Connection) -> None:
    connection.execute("UPDATE call_tasks SET contact_name = %s WHERE contact_name = 'Bob'", ("#N/A",))
    connection.execute("UPDATE call_tasks SET contact_name = %s WHERE contact_name = 'Анна'", ("A\x01\uffff",))
    connection.execute("UPDATE call_tasks SET error_message = %s WHERE status = 'failed'", ("x" * 40_000,))
    sheet = load_workbook(write("spring.xlsx", campaign_ids=[ledger.SPRING]))["Contacts"]
    assert [(sheet.cell(row, 6).value, sheet.cell(row, 6).data_type) for row in (2, 3)] == [
        *(("A\ufffd\ufffd", "s"), ("#N/A", "s")),
    ]
    assert len(sheet.cell(4, 11).value) == 32_767


def test_an_empty_report_is_written_in_every_format(write: Write, connection: Connection) -> None:
    for name in ("draft.xlsx", "draft.csv", "draft.parquet", "draft.json", "draft.txt", "draft"):
        assert write(name, company="globex").exists()
        assert write(name, campaign_ids=[]).exists()


def test_parquet_is_typed(write: Write) -> None:
    tasks = pq.read_table(write("spring.parquet", campaign_ids=[ledger.SPRING]))
    types = {field.name: field.type for field in tasks.schema}
    assert types["attempts"] == pa.int64()
    assert types["last_attempt_at"] == pa.timestamp("us", tz="UTC")
    assert types["cost"] == pa.decimal128(20, 6)
    assert types["duration_s"] == pa.float64()
    assert types["next_attempt_at"] == types["last_attempt_at"]  # though every value is null
    anna, bob, *_ = tasks.to_pylist()
    assert (anna["phone_number"], anna["contact_name"], anna["cost"]) == ("+79990000001", "Анна", Decimal("0.1"))
    assert anna["last_attempt_at"] == datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
    assert bob["contact_data"] == '{"city": "=1+1"}'


def test_parquet_in_a_folder_has_a_file_for_each_table(write: Write) -> None:
    folder = write("acme", "parquet")
    assert sorted(path.name for path in folder.iterdir()) == [
        *("calls.parquet", "hours.parquet", "summary.parquet", "tasks.parquet"),
    ]
    calls = pq.read_table(folder / "calls.parquet").to_pylist()
    assert len(calls) == 8
    assert {call["state"] for call in calls} == {"ended", "answered"}
    assert [call["counts"] for call in calls if call["outcome"] == "rate_limited"] == [False]
    autumn, spring = pq.read_table(folder / "summary.parquet").to_pylist()
    assert (autumn["slug"], autumn["calls"], autumn["calls_answered"], autumn["calls_busy"]) == ("autumn", 1, 1, 0)
    assert (spring["cost"], spring["cost_per_success"], spring["p95_ring_time_s"]) == (
        *(Decimal("0.31"), Decimal("0.155"), 19.5),
    )
    hours = pq.read_table(folder / "hours.parquet").to_pylist()
    assert [(hour["hour"], hour["calls"]) for hour in hours if hour["campaign_id"] == autumn["campaign_id"]] == [(8, 1)]
    assert pq.read_table(folder / "tasks.parquet").num_rows == 7


def test_a_file_is_there_only_when_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "report.csv"
    out.write_text("yesterday's")
    with pytest.raises(KeyError), whole_file(out) as file:
        file.write_text("half")
        raise KeyError
    assert out.read_text() == "yesterday's"
    with whole_file(out) as file:
        file.write_text("today's")
    assert out.read_text() == "today's"
    assert list(tmp_path.iterdir()) == [out]


def test_where_nothing_can_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    reason = r"report.csv can't be written: No such file or directory$"
    with pytest.raises(ReportFileError, match=reason), whole_file(tmp_path / "none" / "report.csv") as file:
        file.write_text("")
    with pytest.raises(ReportFileError, match="directory"), whole_file(tmp_path) as file:
        file.write_text("")


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with whole_file(pipe) as file:
            file.write_text("report")
        assert os.read(reader, 100) == b"report"
    finally:
        os.close(reader)
