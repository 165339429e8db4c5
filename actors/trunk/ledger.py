"""What a trunk reads of its calls, to go on where the last one at its address stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from actors.limiter import MINUTE


@dataclass(frozen=True)
class TrunkCalls:
    """Calls that count against the trunk's limits."""

    in_progress: list[tuple[UUID, UUID, datetime | None]]  # call, campaign, when it began
    begun: list[datetime]  # of calls that have ended since


def read_calls(connection: Connection, trunk: str, now: datetime) -> TrunkCalls:
    """Calls in progress, and those that began within the last minute and are over."""
    in_progress = connection.execute(
        "SELECT id, campaign_id, dialing_at FROM calls"
        " WHERE trunk = %s AND state IN ('claimed', 'dialing', 'answered')",
        (trunk,),
    ).fetchall()
    begun = connection.execute(
        "SELECT dialing_at FROM calls WHERE trunk = %s AND dialing_at >= %s AND state = 'ended'", (trunk, now - MINUTE)
    ).fetchall()
    return TrunkCalls([tuple(row) for row in in_progress], [row[0] for row in begun])
