"""Leases: a campaign is worked by one supervisor at a time. The clock of leases is PostgreSQL's, which all share.

An epoch names one holding of one campaign: it grows with every change of hands, and whoever writes under an older one
matches nothing (the statements of `actors.campaign.ledger` and `actors.dialer.ledger` carry it).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row


@dataclass(frozen=True)
class Supervisor:
    """A process, as the others see it."""

    id: UUID
    host: str
    pid: int
    version: str


def register(connection: Connection, supervisor: Supervisor) -> None:
    """Be one of the supervisors from now on; those not heard of for a day are forgotten."""
    connection.execute(
        "INSERT INTO supervisors (id, host, pid, version, started_at, heartbeat_at)"
        " VALUES (%s, %s, %s, %s, clock_timestamp(), clock_timestamp()) ON CONFLICT (id) DO NOTHING",
        (supervisor.id, supervisor.host, supervisor.pid, supervisor.version),
    )
    connection.execute(
        "DELETE FROM supervisors s WHERE heartbeat_at < clock_timestamp() - interval '1 day'"
        " AND NOT EXISTS (SELECT FROM campaign_leases l WHERE l.supervisor_id = s.id)"
    )


def renew(connection: Connection, supervisor_id: UUID, lease: timedelta) -> dict[UUID, int]:
    """Prolong the leases that are still ours: campaign → epoch. One that ran out meanwhile is not among them, even if
    nobody has taken it yet: it must be taken anew."""
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("UPDATE supervisors SET heartbeat_at = clock_timestamp() WHERE id = %s", (supervisor_id,))
        rows = cursor.execute(
            "UPDATE campaign_leases SET expires_at = clock_timestamp() + %s"
            " WHERE supervisor_id = %s AND expires_at > clock_timestamp() RETURNING campaign_id, epoch",
            (lease, supervisor_id),
        ).fetchall()
    return dict(rows)


def count_live(connection: Connection, lease: timedelta) -> int:
    """Supervisors heard of within the time of a lease, this one included."""
    row = connection.execute(
        "SELECT count(*) FROM supervisors WHERE heartbeat_at > clock_timestamp() - %s", (lease,)
    ).fetchone()
    return max(row[0], 1) if row is not None else 1


def acquire(
    connection: Connection, supervisor_id: UUID, campaigns: Iterable[UUID], most: int, lease: timedelta
) -> dict[UUID, int]:
    """Take up to `most` of these campaigns that nobody holds: campaign → its new epoch."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            "INSERT INTO campaign_leases AS l (campaign_id, supervisor_id, epoch, expires_at)"
            " SELECT id, %(supervisor)s, 1, clock_timestamp() + %(lease)s"
            " FROM unnest(%(campaigns)s::uuid[]) AS id"
            " WHERE NOT EXISTS (SELECT FROM campaign_leases held"
            "                   WHERE held.campaign_id = id AND held.expires_at > clock_timestamp())"
            " ORDER BY id LIMIT %(most)s"
            " ON CONFLICT (campaign_id) DO UPDATE"
            " SET supervisor_id = excluded.supervisor_id, epoch = l.epoch + 1, expires_at = excluded.expires_at"
            " WHERE l.expires_at <= clock_timestamp()"
            " RETURNING campaign_id, epoch",
            {"supervisor": supervisor_id, "campaigns": list(campaigns), "most": most, "lease": lease},
        ).fetchall()
    return dict(rows)


def release(connection: Connection, supervisor_id: UUID, campaigns: Iterable[UUID]) -> None:
    """Let go of these campaigns: anybody may take them at once, and nothing more is written under their epochs."""
    connection.execute(
        "UPDATE campaign_leases SET supervisor_id = NULL, epoch = epoch + 1, expires_at = clock_timestamp()"
        " WHERE supervisor_id = %s AND campaign_id = ANY(%s)",
        (supervisor_id, list(campaigns)),
    )
