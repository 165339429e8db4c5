"""import: how fast a call list becomes tasks, numbers checked, and what it takes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from time import perf_counter

import openpyxl
from psycopg.types.json import Jsonb

from actors.ids import new_id
from actors.jobs.call_lists.importing import import_call_list
from actors.jobs.call_lists.rows import read_rows
from tests.bench.database import new_database, server
from tests.bench.figures import Figure
from tests.campaign.book import Book
from tests.world import TUESDAY

COPY, PANDAS, OPENPYXL, MEMORY_MIB = 0.5, 20, 4, 150
RUNS = 3
_COLUMNS = "id, campaign_id, phone_number, contact_name, contact_data, priority, created_at, updated_at"
_PIECE = 131_072


def measure(quick: bool) -> Iterable[Figure]:
    """A list of two sizes against the binary COPY of its rows; a part of it by pandas and an INSERT for each row, as it
    is often done; a workbook against openpyxl; the memory of the command."""
    small, large = (5_000, 20_000) if quick else (100_000, 1_000_000)
    inserted, in_workbook = min(large, 20_000), min(large, 100_000)
    with server() as (dsn, folder):
        lists = {rows: _write_list(folder / f"{rows}.csv", rows) for rows in (small, large)}
        book = Book(new_database(dsn, "imports"))
        copy_s, import_s = zip(*(_copy_and_import_s(book, lists[large], large) for _ in range(RUNS)), strict=True)
        small_s = median(_import_s(book, lists[small], small) for _ in range(RUNS))
        pandas_s = _pandas_s(book, lists[large], inserted)
        workbook = _write_workbook(folder / "list.xlsx", in_workbook)
        theirs_s, ours_s = _openpyxl_s(workbook, in_workbook), _read_s(workbook, in_workbook)
        workbook_s = _import_s(book, workbook, in_workbook)
        memory = {file: _peak_mib(book, folder, file) for file in (*lists.values(), workbook)}
        book.close()
    large_s = median(import_s)
    against_copy = median(copied / imported for copied, imported in zip(copy_s, import_s, strict=True))
    against_pandas = (pandas_s / inserted) / (large_s / large)
    growth = (large_s / large) / (small_s / small)
    yield Figure("import", f"CSV of {large:,} rows", large / large_s, "rows/s", "higher")
    yield Figure("import", "CSV against binary COPY of its rows", against_copy, "×", "higher", COPY)
    yield Figure("import", "CSV against pandas and an INSERT for each row", against_pandas, "×", "higher", PANDAS)
    yield Figure("import", f"time of a row, CSV of {large:,} against {small:,}", growth, "×", "lower")
    yield Figure("import", f"workbook of {in_workbook:,} rows", in_workbook / workbook_s, "rows/s", "higher")
    yield Figure("import", "workbook read, against openpyxl", theirs_s / ours_s, "×", "higher", OPENPYXL)
    for rows, file in lists.items():
        yield Figure("import", f"memory, CSV of {rows:,} rows", memory[file], "MiB", "lower", MEMORY_MIB)
    yield Figure("import", f"memory, workbook of {in_workbook:,}", memory[workbook], "MiB", "lower", MEMORY_MIB)


def _write_list(path: Path, rows: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("phone_number,name,company,notes\n")
        file.writelines(f"+7999{row:07},Contact {row},Company {row % 1000},note {row}\n" for row in range(rows))
    return path


def _write_workbook(path: Path, rows: int) -> Path:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["phone_number", "name", "company", "notes", "priority"])
    for row in range(rows):
        sheet.append([79990000000 + row, f"Contact {row}", f"Company {row % 1000}", f"note {row}", row % 5])
    book.save(path)
    return path


def _took_s(book: Book, do: Callable[[], object]) -> float:
    """From empty tables, with nothing waiting to be written."""
    book.connection.execute("TRUNCATE call_tasks CASCADE")
    book.connection.execute("CHECKPOINT")
    began = perf_counter()
    do()
    return perf_counter() - began


def _import_s(book: Book, file: Path, rows: int) -> float:
    campaign = book.campaign()

    def imported() -> None:
        assert import_call_list(book.connection, campaign, file, TUESDAY).created == rows

    return _took_s(book, imported)


def _copy_and_import_s(book: Book, file: Path, rows: int) -> tuple[float, float]:
    """The import, and the COPY of the very rows that it made, prepared beforehand."""
    import_s = _import_s(book, file, rows)
    query = f"COPY (SELECT {_COLUMNS} FROM call_tasks ORDER BY created_at) TO STDOUT (FORMAT BINARY)"
    with book.connection.cursor() as cursor, cursor.copy(query) as copy:  # type: ignore[arg-type]
        whole = b"".join(map(bytes, copy))
    pieces = [whole[start : start + _PIECE] for start in range(0, len(whole), _PIECE)]

    def copied() -> None:
        statement = f"COPY call_tasks ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
        with (
            book.connection.transaction(),
            book.connection.cursor() as cursor,
            cursor.copy(statement) as copy,  # type: ignore[arg-type]
        ):
            for piece in pieces:
                copy.write(piece)

    return _took_s(book, copied), import_s


def _pandas_s(book: Book, file: Path, rows: int) -> float:
    """The first rows of the list by pandas, checked by phonenumbers, an INSERT for each, one commit: the tasks that the
    import makes of them, neither compared with each other nor with do-not-call."""
    import pandas
    import phonenumbers

    campaign = book.campaign()
    columns = ["company", "notes"]

    def inserted() -> None:
        frame = pandas.read_csv(file, dtype=str, nrows=rows)
        with book.connection.transaction():
            for _, row in frame.iterrows():
                number = phonenumbers.parse(row["phone_number"], "RU")
                assert phonenumbers.is_valid_number(number)
                book.connection.execute(
                    "INSERT INTO call_tasks"
                    " (id, campaign_id, phone_number, contact_name, contact_data, created_at, updated_at)"
                    " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                    (
                        new_id(),
                        campaign,
                        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
                        row["name"],
                        Jsonb({column: row[column] for column in columns if pandas.notna(row[column])}),
                        TUESDAY,
                        TUESDAY,
                    ),
                )

    return _took_s(book, inserted)


def _openpyxl_s(workbook: Path, rows: int) -> float:
    began = perf_counter()
    book = openpyxl.load_workbook(workbook, read_only=True)
    assert sum(1 for _ in book.active.iter_rows(values_only=True)) == rows + 1
    book.close()
    return perf_counter() - began


def _read_s(workbook: Path, rows: int) -> float:
    began = perf_counter()
    assert sum(1 for _ in read_rows(workbook)) == rows + 1
    return perf_counter() - began


def _peak_mib(book: Book, folder: Path, file: Path) -> float:
    """What `campaignd import` says that it took."""
    book.connection.execute("TRUNCATE call_tasks CASCADE")
    config = folder / "campaignd.toml"
    (folder / "campaigns.d").mkdir(exist_ok=True)
    config.write_text(f'[database]\ndsn = "{book.dsn}"\n')
    command = [sys.executable, "-m", "supervisor", "import", "--config", config, str(book.campaign()), file]
    said = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
    peak = re.search(r"peak memory (\d+) MB", said)
    assert peak is not None, said
    return float(peak[1])
