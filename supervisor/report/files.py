"""The report in each of its formats, written where it was asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import psycopg

from supervisor.report.console import ReportConsole
from supervisor.report.csv_file import write_contacts
from supervisor.report.report import Report
from supervisor.report.rows import FlatContacts
from supervisor.report.terminal import report_renderable
from supervisor.report.whole_file import whole_file

Advance = Callable[[int], None]
"""Told how many rows have been written since it was told last."""

FORMATS = ("table", "json", "csv", "xlsx", "parquet")
BINARY = ("xlsx", "parquet")


def format_of(out: Path | None) -> str:
    """The format that a file's name asks for; a table when it asks for none."""
    suffix = out.suffix.removeprefix(".").lower() if out is not None else ""
    return suffix if suffix in FORMATS else "table"


def rows_of(report: Report, format_: str, out: Path | None) -> int:
    """About how many rows write_report will write, for a progress bar."""
    contacts = sum(campaign.summary.tasks.total for campaign in report.campaigns)
    calls = sum(campaign.summary.calls_ended + campaign.summary.calls_in_progress for campaign in report.campaigns)
    if format_ in ("table", "json"):
        return 0
    return contacts + calls if format_ == "parquet" and out is not None and _is_folder(out) else contacts


def write_report(
    report: Report,
    connection: psycopg.Connection[Any],
    format_: str,
    out: Path | None,
    *,
    company: str | None = None,
    advance: Advance = lambda rows: None,
) -> None:
    """Write it to `out`, whole or not at all, or to standard output. Inside the snapshot in which the report was read,
    so that contacts and figures are of one moment. Raises ReportFileError.

    Parquet goes into one file (call tasks) when `out` ends in .parquet, else into a folder (all tables).
    """
    if format_ == "parquet" and out is not None:
        from supervisor.report.parquet import write_tables, write_tasks

        if _is_folder(out):
            write_tables(report, connection, out, advance)
        else:
            with whole_file(out) as file:
                write_tasks(report, connection, file, advance)
    elif format_ == "xlsx" and out is not None:
        from supervisor.report.workbook import write_workbook

        with whole_file(out) as file:
            write_workbook(report, FlatContacts(connection, report.campaign_ids), file, advance)
    else:
        with _text(out, format_) as file:
            if format_ == "csv":
                write_contacts(FlatContacts(connection, report.campaign_ids), file, advance)
            elif format_ == "json":
                json.dump(report.as_json(company), file, ensure_ascii=False)
                file.write("\n")
            else:
                ReportConsole(file).print(report_renderable(report))


@contextmanager
def _text(out: Path | None, format_: str) -> Iterator[IO[str]]:
    """UTF-8, whatever the locale is. A CSV file begins with a byte order mark, without which Excel takes names for
    cp1252; in a pipe the mark would only be in the way."""
    if out is None and format_ == "table":
        yield sys.stdout
    elif out is None:
        stream = TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
        try:
            yield stream
            stream.flush()
        finally:
            stream.detach()
    else:
        with (
            whole_file(out) as partial,
            partial.open("w", encoding="utf-8-sig" if format_ == "csv" else "utf-8", newline="") as file,
        ):
            yield file


def _is_folder(out: Path) -> bool:
    return out.is_dir() or out.suffix.lower() != ".parquet"
