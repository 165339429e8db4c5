"""What a dialer writes of its call. The campaign claims the call and settles it; in between the row is the dialer's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from psycopg_pool import ConnectionPool

from actors.dialer.messages import Call
from actors.ids import new_id
from actors.limiter import COUNTED_MINUTE, CallLimits
from actors.services import BREAKER

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


_OURS = (
    " AND EXISTS (SELECT FROM campaign_leases l WHERE l.campaign_id = calls.campaign_id AND l.epoch = %(epoch)s"
    " AND l.expires_at > clock_timestamp() FOR SHARE)"
)


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
    if connection.execute(f"{_MARK} AND NOT EXISTS ({_OTHERS})", parameters).rowcount == 1:
        return Mark.DIALING  # the usual case, in one round trip
    with connection.transaction():
        if _is_shared(connection, call.trunk) and not _has_room(connection, call, limits, now):
            return Mark.TRUNK_FULL
        marked = connection.execute(_MARK, parameters)
    return Mark.DIALING if marked.rowcount == 1 else Mark.NOT_OURS


_MARK = (
    "UPDATE calls SET state = 'dialing', dialing_at = %(now)s WHERE id = %(call)s"
    " AND (state = 'claimed' OR state = 'dialing' AND dialing_at = ANY(%(earlier)s))"
    " AND EXISTS (SELECT FROM campaigns c WHERE c.id = calls.campaign_id AND (c.status = 'running' OR"
    "   c.status = 'paused' AND %(probe)s::text IS NOT NULL"
    "   AND %(probe)s = ALL (SELECT h.hold FROM campaign_holds h WHERE h.campaign_id = c.id)))"
    " AND NOT EXISTS (SELECT FROM do_not_call d WHERE d.phone_number = calls.phone_number"
    "   AND (d.company_id IS NULL OR d.company_id = calls.company_id))" + _OURS
)
_OTHERS = "SELECT FROM supervisors WHERE heartbeat_at > clock_timestamp() - interval '1 minute' HAVING count(*) > 1"


def _is_shared(connection: Connection, trunk: str) -> bool:
    """Whether other processes may dial through this trunk; if so, none of them does until this transaction ends."""
    return (
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('trunk:' || %s, 0)) FROM supervisors"
            " WHERE heartbeat_at > clock_timestamp() - interval '1 minute' HAVING count(*) > 1",
            (trunk,),
        ).rowcount
        == 1
    )


def _has_room(connection: Connection, call: Call, limits: CallLimits, now: datetime) -> bool:
    """A limit that is not given leaves room; a window holds both of its ends. The call itself may be marked already,
    without its dialer knowing."""
    row = connection.execute(
        "SELECT coalesce(%(concurrent)s::int > (SELECT count(*) FROM calls WHERE trunk = %(trunk)s AND id <> %(call)s"
        "                                       AND state IN ('dialing', 'answered')), true)"
        " AND coalesce(%(per_minute)s::int > (SELECT count(*) FROM calls WHERE trunk = %(trunk)s AND id <> %(call)s"
        "                                     AND dialing_at >= %(now)s::timestamptz - %(minute)s::interval), true)"
        " AND coalesce(%(per_second)s::int > (SELECT count(*) FROM calls WHERE trunk = %(trunk)s AND id <> %(call)s"
        "                                     AND dialing_at >= %(now)s::timestamptz - interval '1 s'), true)",
        {"trunk": call.trunk, "call": call.call_id, "now": now, "minute": COUNTED_MINUTE, **asdict(limits)},
    ).fetchone()
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
        "WITH answered AS ("
        "  UPDATE calls SET state = 'answered', answered_at = %(at)s, sip_call_id = coalesce(%(sip)s, sip_call_id),"
        "  agent_joined_at = coalesce(%(agent)s, agent_joined_at)"
        "  WHERE id = %(call)s AND (state = 'dialing' OR state = 'answered' AND answered_at = %(at)s)"
        + _OURS
        + "  RETURNING id, company_id, campaign_id), "
        "expected AS ("
        "  INSERT INTO recordings (id, call_id, company_id, next_attempt_at, created_at, updated_at)"
        "  SELECT %(recording)s, a.id, a.company_id, %(look_at)s, %(at)s, %(at)s"
        "  FROM answered a JOIN campaigns c ON c.id = a.campaign_id WHERE c.recording_enabled"
        "  ON CONFLICT (call_id) DO NOTHING RETURNING call_id)"
        " SELECT EXISTS (SELECT FROM expected) FROM answered",
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
