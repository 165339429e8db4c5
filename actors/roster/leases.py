"""Leases: a campaign is worked by one supervisor at a time. The clock of leases is PostgreSQL's, which all share.

An epoch names one holding of one campaign: it grows with every change of hands, and whoever writes under an older one
matches nothing (the statements of `actors.campaign.ledger` and `actors.dialer.ledger` carry it). They lock the lease's
row while they write, so that it does not change hands between their looking at it and their commit.

A supervisor shows that it is there by an advisory lock, held on one connection for as long as it lives (`APPEAR`).
PostgreSQL lets go of it the moment the process dies, so that others need not wait for the leases to run out
(`supervisor_is_gone`, migration 0006, which gives everybody a while after a start of PostgreSQL). Of one that hangs, or
whose network is gone, the connection stays: there the expiry counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

APPEAR = "SELECT pg_advisory_lock_shared(hashtextextended(%s::text, 0))"
"""To be executed, with the supervisor's id, before it takes its first lease, on a connection that it keeps. Shared, so
that a connection of its own which is dead, and not yet known to be, is not in its way."""

_GONE = "ARRAY(SELECT s.id FROM supervisors s WHERE s.id <> %(supervisor)s AND supervisor_is_gone(s.id))"
_REGISTERED = "EXISTS (SELECT FROM supervisors s WHERE s.id = %(supervisor)s)"

FORGOTTEN_AFTER = timedelta(minutes=2)
"""So long after it was heard of last the dials of one who has died can be in nobody's minute."""


@dataclass(frozen=True)
class Supervisor:
    """A process, as the others see it."""

    id: UUID
    host: str
    pid: int
    version: str


def register(connection: Connection, supervisor: Supervisor) -> None:
    """Be one of the supervisors, and heard of; also anew, if we were forgotten."""
    connection.execute(
        "INSERT INTO supervisors (id, host, pid, version, started_at, heartbeat_at)"
        " VALUES (%s, %s, %s, %s, clock_timestamp(), clock_timestamp())"
        " ON CONFLICT (id) DO UPDATE SET heartbeat_at = clock_timestamp()",
        (supervisor.id, supervisor.host, supervisor.pid, supervisor.version),
    )


def forget_the_silent(connection: Connection) -> None:
    """Who has not been heard of for FORGOTTEN_AFTER, and holds nothing, is no supervisor any more. PostgreSQL may have
    been away from all of us: whoever says this has looked for as long, or has just started and reads all calls."""
    with connection.transaction():
        # Of what ran out, somebody has taken what has to be worked; the rest would be held by the dead for ever.
        connection.execute(
            "UPDATE campaign_leases SET supervisor_id = NULL"
            " WHERE supervisor_id IS NOT NULL AND expires_at <= clock_timestamp() - %s",
            (FORGOTTEN_AFTER,),
        )
        connection.execute(
            "DELETE FROM supervisors s WHERE heartbeat_at <= clock_timestamp() - %s"
            " AND NOT EXISTS (SELECT FROM campaign_leases l WHERE l.supervisor_id = s.id)",
            (FORGOTTEN_AFTER,),
        )


def renew(connection: Connection, supervisor: Supervisor, lease: timedelta) -> dict[UUID, int]:
    """Be heard of, and prolong the leases that are still ours: campaign → epoch. One that ran out meanwhile is not
    among them, even if nobody has taken it yet: it must be taken anew."""
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        register(connection, supervisor)
        rows = cursor.execute(
            "UPDATE campaign_leases SET expires_at = clock_timestamp() + %s"
            " WHERE supervisor_id = %s AND expires_at > clock_timestamp() RETURNING campaign_id, epoch",
            (lease, supervisor.id),
        ).fetchall()
    return dict(rows)


def count_live(connection: Connection, supervisor_id: UUID, lease: timedelta) -> int:
    """Supervisors heard of within the time of a lease and not gone since, this one included."""
    row = connection.execute(
        f"SELECT count(*) FROM supervisors WHERE heartbeat_at > clock_timestamp() - %(lease)s AND id <> ALL({_GONE})",
        {"supervisor": supervisor_id, "lease": lease},
    ).fetchone()
    return max(row[0], 1) if row is not None else 1


def acquire(
    connection: Connection, supervisor_id: UUID, campaigns: Iterable[UUID], most: int, lease: timedelta
) -> dict[UUID, int]:
    """Take up to `most` of these campaigns that nobody holds, or only one who is gone: campaign → its new epoch. Waits
    for nobody: a lease under which someone writes at this moment is passed over. Nothing, while we are forgotten."""
    parameters = {"supervisor": supervisor_id, "campaigns": list(campaigns), "lease": lease}
    with connection.cursor(row_factory=tuple_row) as cursor:
        taken = cursor.execute(
            f"WITH gone AS MATERIALIZED (SELECT {_GONE} AS ids), free AS MATERIALIZED ("
            "  SELECT campaign_id FROM campaign_leases"
            f"  WHERE campaign_id = ANY(%(campaigns)s) AND {_REGISTERED}"
            "    AND (expires_at <= clock_timestamp() OR supervisor_id = ANY((SELECT ids FROM gone)::uuid[]))"
            "  ORDER BY campaign_id LIMIT %(most)s FOR UPDATE SKIP LOCKED)"
            " UPDATE campaign_leases l"
            " SET supervisor_id = %(supervisor)s, epoch = epoch + 1, expires_at = clock_timestamp() + %(lease)s"
            " FROM free WHERE l.campaign_id = free.campaign_id RETURNING l.campaign_id, l.epoch",
            {**parameters, "most": most},
        ).fetchall()
        first = cursor.execute(
            "INSERT INTO campaign_leases (campaign_id, supervisor_id, epoch, expires_at)"
            " SELECT id, %(supervisor)s, 1, clock_timestamp() + %(lease)s FROM unnest(%(campaigns)s::uuid[]) AS id"
            f" WHERE NOT EXISTS (SELECT FROM campaign_leases l WHERE l.campaign_id = id) AND {_REGISTERED}"
            " ORDER BY id LIMIT %(most)s ON CONFLICT (campaign_id) DO NOTHING RETURNING campaign_id, epoch",
            {**parameters, "most": most - len(taken)},
        ).fetchall()
    return dict(taken + first)


def release(connection: Connection, supervisor_id: UUID, campaigns: Iterable[UUID]) -> None:
    """Let go of these campaigns: anybody may take them at once, and nothing more is written under their epochs."""
    connection.execute(
        "UPDATE campaign_leases SET supervisor_id = NULL, epoch = epoch + 1, expires_at = clock_timestamp()"
        " WHERE supervisor_id = %s AND campaign_id = ANY(%s)",
        (supervisor_id, list(campaigns)),
    )
