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
    """The trunk's calls; in progress are, with a supervisor, only those of the campaigns that it works: it is not told
    of the end of others."""
    in_progress = connection.execute(
        "SELECT c.id, c.campaign_id, c.dialing_at FROM calls c LEFT JOIN campaign_leases l USING (campaign_id)"
        " WHERE c.trunk = %(trunk)s AND c.state IN ('claimed', 'dialing', 'answered')"
        " AND (%(supervisor)s::uuid IS NULL OR l.supervisor_id = %(supervisor)s)",
        {"trunk": trunk, "supervisor": supervisor_id},
    ).fetchall()
    begun = connection.execute(
        "SELECT dialing_at FROM calls WHERE trunk = %s AND dialing_at >= %s AND id <> ALL(%s)",
        (trunk, now - COUNTED_MINUTE, [call_id for call_id, _, _ in in_progress]),
    ).fetchall()
    return TrunkCalls([tuple(row) for row in in_progress], [row[0] for row in begun])
