"""Contacts and calls row by row, however many there are: what CSV, workbooks and Parquet files hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row

from actors.statements import statement

_sql = partial(statement, __package__)
Row = tuple[Any, ...]

_AT_ONCE = 5_000  # rows in memory
_TOLD_AT_ONCE = 500
_MOST_LIST_COLUMNS = 200


class Kind(Enum):
    """What a column holds."""

    TEXT = auto()
    INTEGER = auto()
    BOOLEAN = auto()
    SECONDS = auto()  # float
    MONEY = auto()  # Decimal
    SHARE = auto()  # float, 0 to 1
    RATIO = auto()  # float
    TIME = auto()  # aware datetime


@dataclass(frozen=True)
class Column:
    """A column of a table; `name` for machines, `title` for people."""

    name: str
    kind: Kind = Kind.TEXT

    @property
    def title(self) -> str:
        name = self.name.removesuffix("_at")
        return name.removesuffix("_s").replace("_", " ").capitalize() + (", s" if name.endswith("_s") else "")


def _columns(names: str, kinds: dict[str, Kind]) -> tuple[Column, ...]:
    times = {name: Kind.TIME for name in names.split() if name.endswith("_at")}
    seconds = {name: Kind.SECONDS for name in names.split() if name.endswith("_s")}
    kinds = times | seconds | {"cost": Kind.MONEY} | kinds
    return tuple(Column(name, kinds.get(name, Kind.TEXT)) for name in names.split())


CONTACTS = _columns(
    "campaign company timezone task_id phone_number contact_name status outcome attempts priority error_message"
    " last_attempt_at next_attempt_at answered_at ended_at ring_time_s time_to_agent_s duration_s cost currency"
    " created_at contact_data",
    {"attempts": Kind.INTEGER, "priority": Kind.INTEGER},
)
"""The columns of contacts.sql, in its order."""

CALLS = _columns(
    "campaign company timezone call_id task_id phone_number trunk attempt counts state outcome error_message"
    " sip_status_code claimed_at dialing_at answered_at agent_joined_at ended_at ring_time_s time_to_agent_s"
    " duration_s cost currency",
    {"attempt": Kind.INTEGER, "counts": Kind.BOOLEAN, "sip_status_code": Kind.INTEGER},
)
"""The columns of calls.sql, in its order."""

TIMEZONE = 2
"""Where both have their campaign's zone."""


def read_contacts(connection: psycopg.Connection[Any], campaign_ids: Sequence[UUID]) -> Iterator[Row]:
    """A row of CONTACTS for each call task. Inside a transaction: rows come from a cursor on the server."""
    return _stream(connection, "contacts", campaign_ids)


def read_calls(connection: psycopg.Connection[Any], campaign_ids: Sequence[UUID]) -> Iterator[Row]:
    """A row of CALLS for each call, in the same way."""
    return _stream(connection, "calls", campaign_ids)


class FlatContacts:
    """Contacts as a sheet has them: the columns of their list, which the database keeps in `contact_data`, are columns
    again. A list's column that has a name of ours is called `… (list)`; beyond 200 columns, they stay one of JSON."""

    def __init__(self, connection: psycopg.Connection[Any], campaign_ids: Sequence[UUID]) -> None:
        self._connection = connection
        self._campaign_ids = campaign_ids
        rows = connection.execute(_sql("list_columns"), {"campaign_ids": list(campaign_ids)})
        keys: list[str] = [row[0] for row in rows.fetchmany(_MOST_LIST_COLUMNS + 1)]
        self._keys = keys if len(keys) <= _MOST_LIST_COLUMNS else None
        taken = {name for column in CONTACTS for name in (column.name, column.title)}
        ours = CONTACTS if self._keys is None else CONTACTS[:-1]
        from_list = [f"{key} (list)" if key in taken else key for key in self._keys or ()]
        self.columns = ours
        self.list_columns = tuple(from_list)

    def __iter__(self) -> Iterator[Row]:
        rows = read_contacts(self._connection, self._campaign_ids)
        return rows if self._keys is None else (self._flat(row, self._keys) for row in rows)

    @staticmethod
    def _flat(row: Row, keys: Sequence[str]) -> Row:
        data = json.loads(row[-1])
        return (*row[:-1], *(_text(data.get(key)) for key in keys))


def counted(rows: Iterable[Row], advance: Callable[[int], None]) -> Iterator[Row]:
    """The same rows; `advance` is told how many more have been taken, now and then."""
    number = 0
    for number, row in enumerate(rows, 1):
        yield row
        if number % _TOLD_AT_ONCE == 0:
            advance(_TOLD_AT_ONCE)
    advance(number % _TOLD_AT_ONCE)


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _stream(connection: psycopg.Connection[Any], name: str, campaign_ids: Sequence[UUID]) -> Iterator[Row]:
    with connection.cursor(f"report_{name}", row_factory=tuple_row) as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(_sql(name), {"campaign_ids": list(campaign_ids)})
        yield from cursor
