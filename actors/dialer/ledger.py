"""What a dialer writes of its call, and what the Reconciler reads of all. The campaign claims the call and settles it;
in between the row is the dialer's. The statements stand in `sql/`, a file each, but for those of a line or two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from uuid import UUID

from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from psycopg_pool import ConnectionPool

from actors.call import Call
from actors.ids import new_id
from actors.limiter import COUNTED_MINUTE, CallLimits
from actors.services import BREAKER
from actors.statements import statement

_sql = partial(statement, __package__)

_READ_AT_ONCE = 500
RECORDED_BY = timedelta(seconds=30)
"""So long after the answer LiveKit records the call; if not, it is seen to by then."""


@dataclass(frozen=True)
class CallRow:
    """How far a call has come. Read column by column, in this order."""

    state: str
    dialing_at: datetime | None
    answered_at: datetime | None
    agent_joined_at: datetime | None
    sip_call_id: str | None


@contextmanager
def own_transaction(pool: ConnectionPool) -> Iterator[Connection]:
    """A connection on which each statement is a transaction of its own: a dialer's are single ones, and BEGIN and
    COMMIT would be two more round trips for each."""
    with pool.connection() as connection:
        connection.autocommit = True
        try:
            yield connection
        finally:
            if connection.pgconn.transaction_status == TransactionStatus.IDLE:  # else it is lost, and not used again
                connection.autocommit = False


def read_calls(connection: Connection, call_ids: Sequence[UUID]) -> dict[UUID, CallRow]:
    """These calls as they stand, as far as there are any."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            "SELECT id, state, dialing_at, answered_at, agent_joined_at, sip_call_id FROM calls WHERE id = ANY(%s)",
            (list(call_ids),),
        ).fetchall()
    return {call_id: CallRow(*row) for call_id, *row in rows}


class Mark(Enum):
    """What came of marking a call as about to be dialed."""

    DIALING = "dialing"  # marked: it may be dialed, now
    TRUNK_FULL = "trunk full"  # not yet: other processes use what the trunk allows
    NOT_OURS = "not ours"  # not merely claimed any more, or it may not be called by now: never


def mark_dialing(
    connection: Connection, call: Call, limits: CallLimits, now: datetime, earlier: Sequence[datetime] = ()
) -> Mark:
    """The dial request is about to leave, if it may. `limits` are the trunk's; where several processes use it, they
    count together, one after the other. `earlier` are the instants of this dialer's marks of which it does not know
    whether they were written, PostgreSQL having been lost meanwhile: nothing was dialed after them.

    A call found without this mark after a crash was never dialed, for certain.
    """
    parameters = {
        "now": now,
        "call": call.call_id,
        "epoch": call.epoch,
        "earlier": list(earlier),
        "probe": call.probe and f"{BREAKER}{call.probe}",
    }
    if connection.execute(_sql("mark_dialing"), {**parameters, "room_is_seen_to": False}).rowcount == 1:
        return Mark.DIALING  # the usual case, in one round trip
    with connection.transaction():
        if _is_shared(connection, call.trunk) and not _has_room(connection, call, limits, now):
            return Mark.TRUNK_FULL
        marked = connection.execute(_sql("mark_dialing"), {**parameters, "room_is_seen_to": True})
    return Mark.DIALING if marked.rowcount == 1 else Mark.NOT_OURS


def _is_shared(connection: Connection, trunk: str) -> bool:
    """Whether other processes may dial through this trunk; if so, none of them does until this transaction ends."""
    return connection.execute(_sql("share_trunk"), {"trunk": trunk}).rowcount == 1


def _has_room(connection: Connection, call: Call, limits: CallLimits, now: datetime) -> bool:
    """The call itself may be marked already, without its dialer knowing."""
    values = {"trunk": call.trunk, "call": call.call_id, "now": now, "minute": COUNTED_MINUTE, **asdict(limits)}
    row = connection.execute(_sql("trunk_has_room"), values).fetchone()
    return row is not None and bool(row[0])


def mark_answered(
    connection: Connection,
    call: Call,
    answered_at: datetime,
    agent_joined_at: datetime | None,
    sip_call_id: str | None,
) -> bool | None:
    """Someone took the call, and an agent has joined by now or has not: whoever resumes the call knows by this whether
    it was a conversation. May be said again, and is said once more when the agent joins. None: nothing is written, for
    the call has ended, or its campaign is not ours now. True: its campaign has its calls recorded, and its recording is
    expected from now on."""
    row = connection.execute(
        _sql("mark_answered"),
        {
            "at": answered_at,
            "sip": sip_call_id,
            "agent": agent_joined_at,
            "call": call.call_id,
            "epoch": call.epoch,
            "recording": new_id(),
            "look_at": answered_at + RECORDED_BY,
        },
    ).fetchone()
    return None if row is None else bool(row[0])


# What the Reconciler reads


def read_installation(connection: Connection) -> str:
    """What tells rooms of this database's calls from those of other databases whose services use the same LiveKit."""
    row = connection.execute(
        "SELECT s.system_identifier || '-' || d.oid FROM pg_control_system() s, pg_database d"
        " WHERE d.datname = current_database()"
    ).fetchone()
    assert row is not None  # we are connected to it
    return str(row[0])


def read_unfinished(
    connection: Connection, supervisor_id: UUID, claimed_before: datetime
) -> Iterator[tuple[str, UUID]]:
    """Unfinished calls, and the campaigns worked here that they belong to; some at a time, for while rows are read no
    other thread runs."""
    with connection.cursor("unfinished") as cursor:
        cursor.itersize = _READ_AT_ONCE
        yield from cursor.execute(
            "SELECT c.id::text, c.campaign_id FROM calls c JOIN campaign_leases l USING (campaign_id)"
            " WHERE c.state IN ('claimed', 'dialing', 'answered') AND l.supervisor_id = %s AND c.claimed_at < %s",
            (supervisor_id, claimed_before),
        )


def read_states(connection: Connection, calls: Iterable[UUID]) -> dict[UUID, bool]:
    """Of the calls that there are: whether they have not ended."""
    rows = connection.execute(
        "SELECT id, state IN ('claimed', 'dialing', 'answered') FROM calls WHERE id = ANY(%s)", (list(calls),)
    ).fetchall()
    return dict(rows)
