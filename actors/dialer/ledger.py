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


def mark_dialing(connection: Connection, call_id: UUID, now: datetime) -> bool:
    """The dial request is about to leave. False: this call is not merely claimed any more, and must not be dialed.

    A call found without this mark after a crash was never dialed, for certain.
    """
    marked = connection.execute(
        "UPDATE calls SET state = 'dialing', dialing_at = %s WHERE id = %s AND state = 'claimed'", (now, call_id)
    )
    return marked.rowcount == 1


def mark_answered(
    connection: Connection, call_id: UUID, answered_at: datetime, sip_call_id: str | None, agent: datetime | None
) -> None:
    """Someone took the call, and an agent had joined by then or had not; says nothing of a call that has ended."""
    connection.execute(
        "UPDATE calls SET state = 'answered', answered_at = %s, sip_call_id = coalesce(%s, sip_call_id),"
        " agent_joined_at = coalesce(%s, agent_joined_at) WHERE id = %s AND state = 'dialing'",
        (answered_at, sip_call_id, agent, call_id),
    )


def mark_agent(connection: Connection, call_id: UUID, joined_at: datetime) -> None:
    """An agent has joined an answered call: with this, whoever resumes the call knows that it was a conversation."""
    connection.execute(
        "UPDATE calls SET agent_joined_at = %s WHERE id = %s AND state = 'answered'", (joined_at, call_id)
    )
