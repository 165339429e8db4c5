"""Connections to PostgreSQL: how each is set up, and the pool that actors share."""

from __future__ import annotations

from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool
from pydantic_core import from_json

from actors.errors import DatabaseError

STATEMENT_TIMEOUT_S = 30
"""No statement of an actor takes a hundredth of this; one that does is stuck, and must not hold its actor up."""
IDLE_TIMEOUT_S = 5
"""No transaction waits for its own process: one that stands still must not keep rows locked."""
GET_TIMEOUT_S = 10
"""How long an actor waits for a connection when all are in use, or PostgreSQL is away."""

ANSWER_GRACE_S = 2.0
"""How much longer than its own statement_timeout PostgreSQL may take to answer. What is silent for longer is taken for
dead: a proxy, or a machine that hangs, keeps a connection alive and never answers."""

# A dead peer is noticed within half a minute: without these, half-open connections stay silent for hours.
_KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

_PLANS = "-c enable_seqscan=off -c jit=off"
"""A connection keeps a plan that was made for a small table until autovacuum has looked at a great one. What actors do
is about a few rows, each of which an index finds: while a million were being imported, and for a minute after it, each
settlement would read all of them (measured: 150 to 200 ms in place of 2). What no index finds, PostgreSQL before 18
then takes for so dear that it would compile it first."""

T = TypeVar("T")


class PatientConnection(psycopg.Connection[TupleRow]):
    """Waits for an answer, but not for ever: then it closes itself and raises OperationalError, like any connection
    that was lost. What was asked may have been done."""

    patience_s = STATEMENT_TIMEOUT_S + ANSWER_GRACE_S

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        began = monotonic()
        try:
            return super().wait(gen, interval, self.patience_s if timeout is None else timeout)
        except psycopg.OperationalError as error:
            silent = self.pgconn.transaction_status == TransactionStatus.ACTIVE
            if timeout is None and silent and monotonic() - began >= self.patience_s:
                self.close()
                raise psycopg.OperationalError(f"no answer from PostgreSQL in {self.patience_s:g} s") from error
            raise


def connection_string(dsn: str, name: str) -> str:
    """The DSN with what every connection of ours has; `name` is what pg_stat_activity shows."""
    return make_conninfo(
        dsn, **{"connect_timeout": 10, **_KEEPALIVES, **conninfo_to_dict(dsn), "application_name": name}
    )


def open_pool(dsn: str, size: int) -> ConnectionPool:
    """A pool of `size` connections at most, one of them open on return. Raises DatabaseError when there is none to
    be had within the time limit. The caller closes it."""
    timeout_ms = STATEMENT_TIMEOUT_S * 1000
    given = conninfo_to_dict(dsn).get("options") or ""
    idle_ms = IDLE_TIMEOUT_S * 1000
    limits = f"-c statement_timeout={timeout_ms} -c lock_timeout={timeout_ms}"
    limits += f" -c idle_in_transaction_session_timeout={idle_ms}"
    pool: ConnectionPool = ConnectionPool(
        connection_string(dsn, "campaignd"),
        connection_class=PatientConnection,
        configure=_configure,
        min_size=min(2, size),
        max_size=size,
        timeout=GET_TIMEOUT_S,
        # Every statement of the ledger is sent thousands of times: prepared at once (measured: 25 to 43 % more claims).
        kwargs={"prepare_threshold": 0, "options": f"{limits} {_PLANS} {given}"},
        open=False,
        name="campaignd",
    )
    pool.open()
    try:
        pool.wait(GET_TIMEOUT_S)
    except psycopg.Error as error:
        pool.close()
        raise DatabaseError(f"PostgreSQL can't be reached: {error}") from error
    return pool


def _configure(connection: psycopg.Connection) -> None:
    """As patient as the session's statement_timeout asks, which the DSN may have changed; jsonb read by pydantic's
    parser: every claimed task has some, and json's takes several times as long."""
    set_json_loads(from_json, connection)
    assert isinstance(connection, PatientConnection)  # the pool makes no others
    row = connection.execute("SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'").fetchone()
    connection.commit()
    if row is not None and row[0] > 0:  # 0: no limit
        connection.patience_s = row[0] / 1000 + ANSWER_GRACE_S
