"""What a dialer writes of its call. The campaign claims the call and settles it; in between the row is the dialer's."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from psycopg import Connection


def mark_dialing(connection: Connection, call_id: UUID, now: datetime) -> bool:
    """The dial request is about to leave. False: this call is not merely claimed any more, and must not be dialed.

    A call found without this mark after a crash was never dialed, for certain.
    """
    marked = connection.execute(
        "UPDATE calls SET state = 'dialing', dialing_at = %s WHERE id = %s AND state = 'claimed'", (now, call_id)
    )
    return marked.rowcount == 1


def mark_answered(connection: Connection, call_id: UUID, now: datetime, sip_call_id: str | None) -> None:
    """Someone took the call at `now`; says nothing of a call that has ended meanwhile."""
    connection.execute(
        "UPDATE calls SET state = 'answered', answered_at = %s, sip_call_id = coalesce(%s, sip_call_id)"
        " WHERE id = %s AND state = 'dialing'",
        (now, sip_call_id, call_id),
    )
