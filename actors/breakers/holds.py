"""The pauses that follow from the breakers' rows: exactly the campaigns that need a failing service are held. And which
of them wait for nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from actors.errors import CampaignNotFoundError
from actors.roster import statuses
from actors.roster.lifecycle import Hold
from actors.services import BREAKER

# Holds that are to be and holds that are, side by side.
_HOLDS = """
WITH wanted AS (
    SELECT c.id AS campaign_id, 'breaker:' || b.service AS hold
    FROM circuit_breakers b
    JOIN campaigns c ON c.status IN ('running', 'paused')
    JOIN skillbases s ON s.id = c.skillbase_id
    WHERE b.state <> 'closed'
      AND (b.service = 'livekit' OR b.service = 'trunk:' || c.trunk OR b.service = 'agents:' || s.agent_name
           OR (b.service = 'recordings' AND c.recording_enabled))
), held AS (
    SELECT campaign_id, hold, error FROM campaign_holds WHERE hold LIKE 'breaker:%'
)
SELECT campaign_id, hold, wanted.hold IS NOT NULL AS wanted, held.hold IS NOT NULL AS held, held.error AS says,
       breaker.service IS NOT NULL AS failing, breaker.last_error, coalesce(breaker.error_count, 0) AS error_count,
       breaker.last_error_at
FROM wanted FULL JOIN held USING (campaign_id, hold)
LEFT JOIN circuit_breakers breaker ON hold = 'breaker:' || breaker.service AND breaker.state <> 'closed'
ORDER BY campaign_id, hold
"""

_WAITING = """
SELECT DISTINCT c.trunk
FROM campaigns c
WHERE c.status IN ('running', 'paused') AND c.total_tasks > c.completed_tasks + c.failed_tasks
  AND (c.start_time IS NULL OR c.start_time <= %(now)s) AND (c.end_time IS NULL OR c.end_time > %(now)s)
  AND NOT EXISTS (SELECT FROM campaign_holds h WHERE h.campaign_id = c.id AND h.hold <> %(hold)s)
"""


@dataclass(frozen=True)
class _Side:
    campaign_id: UUID
    hold: str
    wanted: bool
    held: bool
    says: str | None  # the error of the hold that is there
    failing: bool  # the service's breaker is not closed
    last_error: str | None
    error_count: int
    last_error_at: datetime | None

    @property
    def service(self) -> str:
        return self.hold.removeprefix(BREAKER)

    @property
    def reason(self) -> Hold:
        error = None
        if self.last_error_at is not None:
            last_at = f"{self.last_error_at:%Y-%m-%d %H:%M:%S %Z}"
            error = f"{self.last_error} ({self.error_count} errors, last at {last_at})"
        return Hold(self.hold, f"Paused: circuit breaker {self.service} is open", error)


def align(connection: Connection, now: datetime) -> tuple[int, int]:
    """Hold and let go of campaigns as the breakers' rows ask for; a hold that says the same stays untouched. Returns
    how many were held and let go. To be done after every change of a row, and by anyone at any time."""
    with connection.transaction(), connection.cursor(row_factory=class_row(_Side)) as cursor:
        sides = cursor.execute(_HOLDS).fetchall()
    held = lifted = 0
    for side in sides:
        if side.wanted and not (side.held and side.says == side.reason.error):
            held += _change(connection, side, now) and not side.held
        elif not side.wanted:
            lifted += _change(connection, side, now)
    return held, lifted


def waiting_for(connection: Connection, service: str, now: datetime) -> set[str]:
    """The trunks of those campaigns that would call somebody, now or as soon as their limits, schedules and delays let
    them, if only this service worked."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return set(cursor.execute(_WAITING, {"now": now, "hold": BREAKER + service}))


def _change(connection: Connection, side: _Side, now: datetime) -> bool:
    with connection.transaction():
        if _fails(connection, side.service) is not side.failing:
            return False  # whoever has changed it looks at the holds after that
        try:
            if side.wanted:
                statuses.hold(connection, side.campaign_id, side.reason, now)
            else:
                reason = f"Circuit breaker {side.service} has closed"
                statuses.lift(connection, side.campaign_id, side.hold, now, reason)
        except CampaignNotFoundError:
            return False  # removed meanwhile
    return True


def _fails(connection: Connection, service: str) -> bool:
    """Whether its breaker is not closed; until the end of the transaction nobody changes that."""
    query = "SELECT state <> 'closed' FROM circuit_breakers WHERE service = %s FOR SHARE"
    row = connection.execute(query, (service,)).fetchone()
    return row is not None and bool(row[0])
