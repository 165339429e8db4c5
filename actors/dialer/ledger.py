"""What a dialer writes of its call. The campaign claims the call and settles it; in between the row is the dialer's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True)
class CallRow:
    """How far a call has come."""

    state: str
    dialing_at: datetime | None
    answered_at: datetime | None
    agent_joined_at: datetime | None
    sip_call_id: str | None


def read_call(connection: Connection, call_id: UUID) -> CallRow | None:
    """The call as it stands; None: there is no such call."""
    with connection.cursor(row_factory=class_row(CallRow)) as cursor:
        return cursor.execute(
            "SELECT state, dialing_at, answered_at, agent_joined_at, sip_call_id FROM calls WHERE id = %s", (call_id,)
        ).fetchone()


_OURS = (
    " AND EXISTS (SELECT FROM campaign_leases l WHERE l.campaign_id = calls.campaign_id AND l.epoch = %(epoch)s"
    " AND l.expires_at > clock_timestamp() FOR SHARE)"
)


def mark_dialing(connection: Connection, call_id: UUID, epoch: int, now: datetime) -> bool:
    """The dial request is about to leave. False: this call is not merely claimed any more, or its campaign is not
    ours or does not run; it must not be dialed.

    A call found without this mark after a crash was never dialed, for certain.
    """
    marked = connection.execute(
        "UPDATE calls SET state = 'dialing', dialing_at = %(now)s WHERE id = %(call)s AND state = 'claimed'"
        " AND EXISTS (SELECT FROM campaigns c WHERE c.id = calls.campaign_id AND c.status = 'running')" + _OURS,
        {"now": now, "call": call_id, "epoch": epoch},
    )
    return marked.rowcount == 1


def mark_answered(
    connection: Connection,
    call_id: UUID,
    epoch: int,
    answered_at: datetime,
    sip_call_id: str | None,
    agent_joined_at: datetime | None,
) -> None:
    """Someone took the call, and an agent had joined by then or had not; says nothing of a call that has ended."""
    connection.execute(
        "UPDATE calls SET state = 'answered', answered_at = %(at)s, sip_call_id = coalesce(%(sip)s, sip_call_id),"
        " agent_joined_at = coalesce(%(agent)s, agent_joined_at) WHERE id = %(call)s AND state = 'dialing'" + _OURS,
        {"at": answered_at, "sip": sip_call_id, "agent": agent_joined_at, "call": call_id, "epoch": epoch},
    )


def mark_agent(connection: Connection, call_id: UUID, epoch: int, joined_at: datetime) -> None:
    """An agent has joined an answered call: with this, whoever resumes the call knows that it was a conversation."""
    connection.execute(
        "UPDATE calls SET agent_joined_at = %(at)s WHERE id = %(call)s AND state = 'answered'" + _OURS,
        {"at": joined_at, "call": call_id, "epoch": epoch},
    )
