"""Imports a provider's file of charges: all of it in one transaction, or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row

from actors.errors import CallListValidationError, DatabaseError
from actors.ids import new_id
from actors.jobs.call_lists.columns import name_of
from actors.jobs.call_lists.rows import Progress, Row, read_rows
from actors.numbers import printable

# The provider's numbers have no index: one pass over the company's calls is quicker than keeping one for every call.
_STAGE = """
CREATE TEMPORARY TABLE charged (row bigint, receipt uuid, call text, amount numeric, currency text) ON COMMIT DROP"""
_COPY = "COPY charged (row, receipt, call, amount, currency) FROM STDIN"
_KNOWN = """
CREATE TEMPORARY TABLE matched ON COMMIT DROP AS
SELECT h.row, h.receipt, h.amount, h.currency, c.id AS call_id,
       row_number() OVER (PARTITION BY c.id ORDER BY h.row) AS place, min(h.row) OVER (PARTITION BY c.id) AS first
FROM charged h JOIN calls c ON c.company_id = %(company)s AND c.{column} = h.call
WHERE c.state = 'ended'"""
_UNKNOWN = """
SELECT row, NULL::bigint FROM charged h WHERE NOT EXISTS (SELECT FROM matched m WHERE m.row = h.row)
UNION ALL SELECT row, first FROM matched WHERE place > 1"""
_WRITE = """
INSERT INTO receipts (id, call_id, company_id, amount, currency, source, created_at)
SELECT receipt, call_id, %(company)s, amount, currency, 'provider', %(now)s FROM matched WHERE place = 1
ON CONFLICT (call_id) DO UPDATE SET amount = excluded.amount, currency = excluded.currency, source = excluded.source"""

_IDS: Mapping[str, LiteralString] = {"call_id": "id::text", "sip_call_id": "sip_call_id"}
_AMOUNT = re.compile(r"[0-9]{1,8}(?:[.,][0-9]{1,6}0*)?")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file: each of its rows that is not blank is a receipt or an error."""

    total: int
    imported: int
    errors: list[str]  # "Row 6: No call with this sip_call_id", in the order of the file

    def as_json(self) -> dict[str, Any]:
        """The result as `campaignd receipts import --json` prints it."""
        return {"total": self.total, "imported": self.imported, "errors": self.errors}


@dataclass(frozen=True)
class _Columns:
    id_name: str
    id: int
    amount: int
    currency: int | None


@dataclass(frozen=True)
class _Charge:
    call: str
    amount: Decimal
    currency: str


class _BadRow(Exception):
    """The row gives no receipt, for this reason."""


def import_receipts(
    connection: psycopg.Connection,
    company_id: UUID,
    path: Path,
    currency: str | None,
    now: datetime,
    progress: Progress | None = None,
) -> ImportResult:
    """Make each charge in the file at `path` the receipt of its call, in place of an estimate or of what an earlier
    file said; importing it again changes nothing.

    The file is read as a call list is. Its columns are `call_id` (ours) or `sip_call_id`, `amount`, and `currency`,
    which the argument stands for where a row has none. One transaction of `connection`. Raises CallListValidationError
    when the file as a whole can't be read, DatabaseError when PostgreSQL fails.
    """
    errors: dict[int, str] = {}
    try:
        with connection.transaction(), closing(read_rows(path, progress)) as rows:
            header = next(rows, None)
            if header is None:
                raise CallListValidationError(f"The file is empty: {path}")
            columns = _columns(header)
            read = _stage(connection, rows, columns, currency, errors)
            connection.execute(_KNOWN.format(column=_IDS[columns.id_name]), {"company": company_id})
            with connection.cursor(row_factory=tuple_row) as cursor:
                for row, first in cursor.execute(_UNKNOWN):
                    reason = f"Duplicate of row {first}" if first else f"No call with this {columns.id_name}"
                    errors[row] = reason
            imported = connection.execute(_WRITE, {"company": company_id, "now": now}).rowcount
    except psycopg.Error as error:
        raise DatabaseError(f"The import failed, nothing was changed: {' '.join(str(error).split())}") from error
    return ImportResult(read, imported, [f"Row {row}: {errors[row]}" for row in sorted(errors)])


def _columns(header: Row) -> _Columns:
    names = [name_of(cell) for cell in header.cells]
    id_name = next((name for name in _IDS if name in names), None)
    missing = [*(() if id_name else ("call_id or sip_call_id",)), *(() if "amount" in names else ("amount",))]
    if id_name is None or missing:
        raise CallListValidationError(f"Missing required columns: {', '.join(missing)}")
    currency = names.index("currency") if "currency" in names else None
    return _Columns(id_name, names.index(id_name), names.index("amount"), currency)


def _stage(
    connection: psycopg.Connection,
    rows: Iterator[Row],
    columns: _Columns,
    currency: str | None,
    errors: dict[int, str],
) -> int:
    """Hand the rows that can be read to PostgreSQL; how many there are in all."""
    connection.execute(_STAGE)
    total = 0
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            total += 1
            try:
                charge = _charge(row, columns, currency)
            except _BadRow as bad:
                errors[row.number] = str(bad)
            else:
                copy.write_row((row.number, new_id(), charge.call, charge.amount, charge.currency))
    return total


def _charge(row: Row, columns: _Columns, default_currency: str | None) -> _Charge:
    if row.problem is not None:
        raise _BadRow(row.problem)

    def cell(place: int | None) -> str:
        return row.cells[place].strip() if place is not None and place < len(row.cells) else ""

    call, amount = cell(columns.id), cell(columns.amount)
    if not call or "\0" in call:
        raise _BadRow(f"Empty {columns.id_name}")
    if not _AMOUNT.fullmatch(amount):
        raise _BadRow(f"Not an amount below 100000000 with up to 6 decimals: {printable(amount)}")
    currency = cell(columns.currency).upper() or default_currency
    if currency is None or not _CURRENCY.fullmatch(currency):
        raise _BadRow(f"Not a currency's code: {printable(currency)}" if currency else "Empty currency")
    return _Charge(call.lower() if columns.id_name == "call_id" else call, Decimal(amount.replace(",", ".")), currency)
