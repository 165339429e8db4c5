"""What a trunk knows from PostgreSQL: its calls, to go on where the last one at its address stopped, and what was
learned of its pace, so that the next process need not learn it by new refusals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from actors.limiter import COUNTED_MINUTE
from actors.trunk.pace import NOTHING, Learned, PaceLearned


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


def read_pace(connection: Connection, trunk: str) -> PaceLearned:
    """What was learned of this trunk, by whichever process."""
    return read_paces(connection, [trunk])[trunk]


def read_paces(connection: Connection, trunks: Iterable[str]) -> dict[str, PaceLearned]:
    """The same of each of these trunks."""
    learned = dict.fromkeys(trunks, NOTHING)
    rows = connection.execute(
        "SELECT trunk, calls_per_minute::float, too_fast_at, max_concurrent_calls::float, too_many_at"
        " FROM trunk_paces WHERE trunk = ANY (%s)",
        (list(learned),),
    )
    for trunk, per_minute, too_fast_at, concurrent, too_many_at in rows:
        learned[trunk] = PaceLearned(
            None if per_minute is None else Learned(per_minute, too_fast_at),
            None if concurrent is None else Learned(concurrent, too_many_at),
        )
    return learned


def write_pace(connection: Connection, trunk: str, learned: PaceLearned) -> None:
    """Keep what was learned; of two processes, of each limit what was learned last."""
    rate, calls = learned.per_minute, learned.concurrent
    connection.execute(
        """
        INSERT INTO trunk_paces AS known (trunk, calls_per_minute, too_fast_at, max_concurrent_calls, too_many_at)
        VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (trunk) DO UPDATE SET
            (calls_per_minute, too_fast_at) = (
                SELECT one.calls_per_minute, one.too_fast_at FROM (VALUES
                    (excluded.calls_per_minute, excluded.too_fast_at), (known.calls_per_minute, known.too_fast_at)
                ) AS one (calls_per_minute, too_fast_at) ORDER BY one.too_fast_at DESC NULLS LAST LIMIT 1),
            (max_concurrent_calls, too_many_at) = (
                SELECT one.max_concurrent_calls, one.too_many_at FROM (VALUES
                    (excluded.max_concurrent_calls, excluded.too_many_at),
                    (known.max_concurrent_calls, known.too_many_at)
                ) AS one (max_concurrent_calls, too_many_at) ORDER BY one.too_many_at DESC NULLS LAST LIMIT 1)
        """,
        (
            trunk,
            None if rate is None else rate.limit,
            None if rate is None else rate.refused_at,
            None if calls is None else calls.limit,
            None if calls is None else calls.refused_at,
        ),
    )
