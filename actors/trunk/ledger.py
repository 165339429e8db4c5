"""What a trunk reads of its calls, to go on where the last one at its address stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from actors.limiter import COUNTED_MINUTE


@dataclass(frozen=True)
class TrunkCalls:
    """Calls that count against the trunk's limits."""

    in_progress: list[tuple[UUID, UUID, datetime | None]]  # call, campaign, when it began
    begun: list[datetime]  # of all other calls, within the last minute


def read_calls(connection: Connection, trunk: str, now: datetime, supervisor_id: UUID | None = None) -> TrunkCalls:
    """The trunk's calls; in progress are, with a supervisor, only those of campaigns that it works, or nobody who is
    there: others count theirs, and it is not told of their end."""
    in_progress = connection.execute(
        "WITH others AS MATERIALIZED ("
        "  SELECT id FROM supervisors WHERE id <> %(supervisor)s AND NOT supervisor_is_gone(id))"
        " SELECT c.id, c.campaign_id, c.dialing_at FROM calls c"
        " WHERE c.trunk = %(trunk)s AND c.state IN ('claimed', 'dialing', 'answered')"
        " AND NOT EXISTS (SELECT FROM campaign_leases l JOIN others o ON o.id = l.supervisor_id"
        "                 WHERE l.campaign_id = c.campaign_id AND l.expires_at > clock_timestamp())",
        {"trunk": trunk, "supervisor": supervisor_id},
    ).fetchall()
    begun = connection.execute(
        "SELECT dialing_at FROM calls WHERE trunk = %s AND dialing_at >= %s AND id <> ALL(%s)",
        (trunk, now - COUNTED_MINUTE, [call_id for call_id, _, _ in in_progress]),
    ).fetchall()
    return TrunkCalls([tuple(row) for row in in_progress], [row[0] for row in begun])
