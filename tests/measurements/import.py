"""How fast a call list is imported, beside what PostgreSQL would take if its rows were there already.

Run by hand: `python tests/measurements/import.py [ROWS [RUNS]]`, with an embedded PostgreSQL of its own that syncs as
in production. Each run copies the same prepared rows (binary COPY, in one transaction) and then imports the list
they came from, numbers checked; the ratio of the two is what issue 3 promises to be at least one half. Then a workbook
of 100,000 rows is read, by openpyxl and by us. Last, `campaignd import` of both lists tells its peak memory.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "call_lists")]

import openpyxl  # noqa: E402
import psycopg  # noqa: E402
from import_ledger import NOW, Ledger  # noqa: E402

from actors.jobs.call_lists.importing import import_call_list  # noqa: E402
from actors.jobs.call_lists.rows import read_rows  # noqa: E402
from supervisor.database.account import temporary_folder  # noqa: E402
from supervisor.database.embedded import EmbeddedPostgres  # noqa: E402
from supervisor.database.migrations import migrate  # noqa: E402

_COLUMNS = "id, campaign_id, phone_number, contact_name, contact_data, priority, created_at, updated_at"


def write_list(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("phone_number,name,company,notes\n")
        file.writelines(f"+7999{row:07},Contact {row},Company {row % 1000},note {row}\n" for row in range(rows))


def timed(ledger: Ledger, do: Callable[[], object]) -> float:
    ledger.connection.execute("TRUNCATE call_tasks CASCADE")
    ledger.connection.execute("CHECKPOINT")
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def measure(dsn: str, folder: Path, rows: int, runs: int) -> None:
    ledger, path = Ledger(dsn), folder / "list.csv"
    campaign = ledger.campaign()
    write_list(path, rows)

    def imported() -> None:
        assert import_call_list(ledger.connection, campaign, path, NOW).created == rows

    def copied() -> None:
        with ledger.connection.transaction(), ledger.connection.cursor() as cursor:
            with cursor.copy(f"COPY call_tasks ({_COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy:
                for piece in prepared:
                    copy.write(piece)
            ledger.connection.execute("UPDATE campaigns SET total_tasks = %s", [rows])

    imported()
    prepared = _prepared(ledger.connection)
    ratios = []
    for _ in range(runs):
        copy_s, import_s = timed(ledger, copied), timed(ledger, imported)
        ratios.append(copy_s / import_s)
        print(f"copied {rows / copy_s:,.0f} rows/s, imported {rows / import_s:,.0f} rows/s: {ratios[-1]:.2f}")
    print(f"median of {runs} runs at {rows:,} rows: {statistics.median(ratios):.2f}")
    config = folder / "campaignd.toml"
    (folder / "campaigns.d").mkdir()
    config.write_text(f'[database]\ndsn = "{dsn}"\n')
    ledger.connection.execute("TRUNCATE call_tasks CASCADE")
    for file in (path, measured_workbook(folder / "list.xlsx")):
        command = [sys.executable, "-m", "supervisor", "import", "--config", config, ledger.campaign(file.name), file]
        subprocess.run(list(map(str, command)), check=True, cwd=ROOT)


def measured_workbook(path: Path, rows: int = 100_000) -> Path:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["phone_number", "name", "company", "notes", "priority"])
    for row in range(rows):
        sheet.append([79990000000 + row, f"Contact {row}", f"Company {row % 1000}", f"note {row}", row % 5])
    book.save(path)
    began = time.perf_counter()
    assert sum(1 for _ in read_rows(path)) == rows + 1
    ours_s = time.perf_counter() - began
    began = time.perf_counter()
    book = openpyxl.load_workbook(path, read_only=True)
    assert sum(1 for _ in book.active.iter_rows(values_only=True)) == rows + 1
    theirs_s = time.perf_counter() - began
    book.close()
    print(
        f"workbook read: {rows / ours_s:,.0f} rows/s, by openpyxl {rows / theirs_s:,.0f}: {theirs_s / ours_s:.1f} times"
    )
    return path


def _prepared(connection: psycopg.Connection) -> list[bytes]:
    query = f"COPY (SELECT {_COLUMNS} FROM call_tasks ORDER BY created_at) TO STDOUT (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        whole = b"".join(map(bytes, copy))
    return [whole[start : start + 131_072] for start in range(0, len(whole), 131_072)]


def main(rows: int = 1_000_000, runs: int = 5) -> None:
    with temporary_folder() as folder, EmbeddedPostgres(folder / "postgres") as server:
        migrate(server.dsn)
        measure(server.dsn, folder, rows, runs)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
