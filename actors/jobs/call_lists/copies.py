"""Rows on their way to PostgreSQL: it checks those that it has got while the next are made ready."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import LiteralString

import psycopg

_SIGNATURE, _TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
# Foreign keys and triggers are looked after when a COPY ends. In one of all rows that takes as long as half of the
# rest, during which nobody reads on; of a megabyte it is done beside the reading, and in memory (measured).
_ENOUGH = 1 << 20


@contextmanager
def copies(connection: psycopg.Connection, statement: LiteralString) -> Iterator[Copies]:
    """Carries out `statement`, a COPY … FROM STDIN (FORMAT BINARY), with the rows that are written as long as it is
    open, during which nothing else can be asked of the connection.

    Left without an exception: all rows are written and checked. Left with one: PostgreSQL has answered all the same,
    so that the transaction can be ended.
    """
    with ThreadPoolExecutor(1, "copies") as elsewhere, ExitStack() as open_copy:
        made = Copies(connection, statement, elsewhere, open_copy)
        yield made
        made.finish()


class Copies:
    """Any number of rows, in as many COPYs of a megabyte each. While one ends, the rows of the next are kept, as many
    as make it full."""

    def __init__(
        self,
        connection: psycopg.Connection,
        statement: LiteralString,
        elsewhere: ThreadPoolExecutor,
        open_copy: ExitStack,
    ) -> None:
        self._connection = connection
        self._statement = statement
        self._elsewhere = elsewhere  # waits for the end of a COPY
        self._open_copy = open_copy  # left at the latest when this is
        self._copy: psycopg.Copy | None = None  # what stands in `_open_copy`
        self._sent = 0  # bytes, to this one
        self._ended: Future[None] | None = None  # the one before
        self._kept: list[bytes | bytearray] = []
        self._bytes_kept = 0

    def write(self, rows: bytes | bytearray) -> None:
        """Write whole rows, best some tens of kilobytes. Raises what psycopg raises, perhaps only at a later call."""
        self._kept.append(rows)
        self._bytes_kept += len(rows)
        if self._ended is None or self._ended.done() or self._bytes_kept >= _ENOUGH:
            self._send()

    def finish(self) -> None:
        """Nothing more comes."""
        self._send()
        if self._copy is not None:
            self._copy.write(_TRAILER)

    def _send(self) -> None:
        if self._ended is not None:
            self._ended.result()
            self._ended = None
        if not self._kept:
            return
        if self._copy is None:
            cursor = self._open_copy.enter_context(self._connection.cursor())
            self._copy = self._open_copy.enter_context(cursor.copy(self._statement))
            self._copy.write(_SIGNATURE)
        for rows in self._kept:
            self._copy.write(rows)
        self._sent += self._bytes_kept
        self._kept, self._bytes_kept = [], 0
        if self._sent >= _ENOUGH:
            self._copy.write(_TRAILER)
            self._copy, self._sent = None, 0
            self._ended = self._elsewhere.submit(self._open_copy.pop_all().close)
