"""The report as Parquet: tasks, calls, a row of figures for each campaign, and its hours; typed, for DuckDB, Spark and
pandas. Ids are text and times are UTC, which all of them read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from actors.outcomes import Outcome
from supervisor.report.report import Report
from supervisor.report.rows import CALLS, CONTACTS, Column, Kind, Row, read_calls, read_contacts
from supervisor.report.whole_file import ReportFileError, whole_file

_AT_ONCE = 50_000  # rows in memory, and in a row group
_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.SECONDS: pa.float64(),
    Kind.SHARE: pa.float64(),
    Kind.RATIO: pa.float64(),
    Kind.MONEY: pa.decimal128(20, 6),
    Kind.TIME: pa.timestamp("us", tz="UTC"),
}

_SUMMARY = (
    *(Column("campaign_id"), Column("slug"), Column("name"), Column("company"), Column("timezone"), Column("status")),
    *(Column("status_message"), Column("status_error"), Column("holds")),
    *(Column(name, Kind.INTEGER) for name in ("total", "pending", "in_progress", "retry", "completed", "failed")),
    *(Column("calls", Kind.INTEGER), *(Column(f"calls_{outcome.value}", Kind.INTEGER) for outcome in Outcome)),
    *(Column("success_rate", Kind.SHARE), Column("attempts", Kind.INTEGER), Column("contacts_reached", Kind.INTEGER)),
    Column("attempts_per_contact_reached", Kind.RATIO),
    *(Column(name, Kind.SECONDS) for name in ("average_duration_s", "p95_duration_s", "average_ring_time_s")),
    *(Column(name, Kind.SECONDS) for name in ("p95_ring_time_s", "average_time_to_agent_s", "p95_time_to_agent_s")),
    *(Column(name, Kind.MONEY) for name in ("cost", "cost_per_call", "cost_per_success")),
    Column("currency"),
)
_HOURS = (
    *(Column("campaign_id"), Column("timezone"), Column("hour", Kind.INTEGER), Column("calls", Kind.INTEGER)),
    *(Column("answered", Kind.INTEGER), Column("average_duration_s", Kind.SECONDS), Column("cost", Kind.MONEY)),
    Column("currency"),
)


def write_tasks(
    report: Report, connection: psycopg.Connection[Any], file: Path, advance: Callable[[int], None]
) -> None:
    """One file: a row for each call task with its last call. `advance` is told of rows as they are written."""
    _write(file, CONTACTS, read_contacts(connection, report.campaign_ids), advance)


def write_tables(
    report: Report, connection: psycopg.Connection[Any], folder: Path, advance: Callable[[int], None]
) -> None:
    """A file for each table in `folder`, which is made when there is none. Raises ReportFileError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportFileError(f"{folder} can't be made: {error.strerror or error}") from error
    with (
        whole_file(folder / "tasks.parquet") as tasks,
        whole_file(folder / "calls.parquet") as calls,
        whole_file(folder / "summary.parquet") as summary,
        whole_file(folder / "hours.parquet") as hours,
    ):
        write_tasks(report, connection, tasks, advance)
        _write(calls, CALLS, read_calls(connection, report.campaign_ids), advance)
        _write(summary, _SUMMARY, _summary_rows(report))
        _write(hours, _HOURS, _hour_rows(report))


def _write(
    file: Path, columns: Sequence[Column], rows: Iterable[Row], advance: Callable[[int], None] = lambda rows: None
) -> None:
    schema = pa.schema([pa.field(column.name, _TYPES[column.kind]) for column in columns])
    rows = iter(rows)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        while batch := list(islice(rows, _AT_ONCE)):
            arrays = [
                pa.array(values, type=field.type)
                for values, field in zip(zip(*batch, strict=True), schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            advance(len(batch))


def _summary_rows(report: Report) -> Iterator[Row]:
    for campaign in report.campaigns:
        summary, analytics, tasks = campaign.summary, campaign.analytics, campaign.summary.tasks
        yield (
            *(str(summary.id), summary.slug, summary.name, summary.company, summary.timezone, summary.status),
            *(summary.status_message, summary.status_error, ",".join(summary.holds)),
            *(tasks.total, tasks.pending, tasks.in_progress, tasks.retry, tasks.completed, tasks.failed),
            *(summary.calls_ended, *(summary.calls_by_outcome.get(outcome, 0) for outcome in Outcome)),
            *(summary.success_rate, analytics.attempts, analytics.contacts_reached),
            analytics.attempts_per_contact_reached,
            *(analytics.average_duration_s, analytics.p95_duration_s, analytics.average_ring_time_s),
            *(analytics.p95_ring_time_s, analytics.average_time_to_agent_s, analytics.p95_time_to_agent_s),
            *(summary.cost.amount, summary.cost.per_call, summary.cost.per_success),
            summary.cost.currency,
        )


def _hour_rows(report: Report) -> Iterator[Row]:
    for campaign in report.campaigns:
        for hour in campaign.analytics.by_hour:
            yield (
                *(str(campaign.summary.id), campaign.summary.timezone, hour.hour, hour.calls, hour.answered),
                *(hour.average_duration_s, hour.cost.amount, hour.cost.currency),
            )
