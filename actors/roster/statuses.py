"""Every change of a campaign's status, with its row in the history. Each function is one transaction (or part of the
caller's) and locks the campaign's row, so that changes from commands, HTTP, files and actors follow one another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, tuple_row

from actors.errors import CampaignNotFoundError
from actors.roster.lifecycle import CONFIG, OPERATOR, Action, HeldError, Hold, NoTasksError, Status, after, status_under
from actors.services import BREAKER


def start(connection: Connection, campaign_id: UUID, now: datetime, reason: str) -> None:
    """draft → running. Raises TransitionRefusedError, NoTasksError, or HeldError when its file holds it."""
    with connection.transaction():
        status = _lock(connection, campaign_id)
        started = after(Action.START, status)
        total = connection.execute("SELECT total_tasks FROM campaigns WHERE id = %s", (campaign_id,)).fetchone()
        if total is None or total[0] == 0:
            raise NoTasksError("Campaign has no tasks: import a call list first")
        if any(hold.name == CONFIG for hold in read_holds(connection, campaign_id)):
            raise HeldError("Campaign is held by its file (enabled = false)")
        _change(connection, campaign_id, status, started, now, reason)
        _follow_holds(connection, campaign_id, started, now, reason)


def pause(connection: Connection, campaign_id: UUID, now: datetime, reason: str) -> None:
    """Hold it for an operator; only an operator lifts this. Raises TransitionRefusedError."""
    with connection.transaction():
        status = _lock(connection, campaign_id)
        after(Action.PAUSE, status)
        hold(connection, campaign_id, Hold(OPERATOR, reason), now)


def resume(connection: Connection, campaign_id: UUID, now: datetime, reason: str) -> None:
    """Lift an operator's hold. The campaign stays paused while it has another one. Raises TransitionRefusedError, or
    HeldError when no operator holds it."""
    with connection.transaction():
        status = _lock(connection, campaign_id)
        after(Action.RESUME, status)
        holds = read_holds(connection, campaign_id)
        if not any(held.name == OPERATOR for held in holds):
            raise HeldError(f"Campaign is not paused by an operator: {holds[0].message}")
        lift(connection, campaign_id, OPERATOR, now, reason)


def cancel(connection: Connection, campaign_id: UUID, now: datetime, reason: str) -> None:
    """running or paused → failed: nobody is called for it any more; calls in progress end by themselves. Raises
    TransitionRefusedError."""
    with connection.transaction():
        status = _lock(connection, campaign_id)
        _change(connection, campaign_id, status, after(Action.CANCEL, status), now, f"Cancelled: {reason}")


def hold(connection: Connection, campaign_id: UUID, reason: Hold, now: datetime) -> None:
    """Give a campaign a hold, or change what it says. An active campaign is paused; a draft is held once it starts."""
    with connection.transaction():
        status = _lock(connection, campaign_id)
        connection.execute(
            "INSERT INTO campaign_holds (campaign_id, hold, message, error, created_at) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (campaign_id, hold) DO UPDATE SET message = excluded.message, error = excluded.error",
            (campaign_id, reason.name, reason.message, reason.error, now),
        )
        _follow_holds(connection, campaign_id, status, now, reason.message)


def lift(connection: Connection, campaign_id: UUID, name: str, now: datetime, reason: str) -> None:
    """Take a hold away, if it is there; the campaign goes on when it was the last one."""
    with connection.transaction():
        status = _lock(connection, campaign_id)
        lifted = connection.execute(
            "DELETE FROM campaign_holds WHERE campaign_id = %s AND hold = %s", (campaign_id, name)
        )
        if lifted.rowcount:
            _follow_holds(connection, campaign_id, status, now, reason)


def complete(connection: Connection, campaign_id: UUID, now: datetime, *, schedule_over: bool) -> bool:
    """running → completed, if nothing is left: no call in progress, and no task that can still be dialed (or the
    campaign's time is over). One that is paused by failing services alone goes on for it: nobody would find out for it
    that they work again. False: it is not so, and nothing was changed."""
    with connection.transaction():
        status = _lock(connection, campaign_id)
        waits_in_vain = status is Status.PAUSED and _held_by_breakers_alone(connection, campaign_id)
        if not (status is Status.RUNNING or waits_in_vain):
            return False
        if not _nothing_left(connection, campaign_id, schedule_over=schedule_over):
            return False
        reason = "its time is over" if schedule_over else "every task is settled"
        if waits_in_vain:
            connection.execute("DELETE FROM campaign_holds WHERE campaign_id = %s", (campaign_id,))
            _follow_holds(connection, campaign_id, status, now, f"Nobody is left to be called: {reason}")
        _change(connection, campaign_id, Status.RUNNING, after(Action.COMPLETE, Status.RUNNING), now, reason)
        return True


def fail(connection: Connection, campaign_id: UUID, now: datetime, message: str, error: str) -> None:
    """any → failed: its actor could not be kept alive, or its configuration is impossible."""
    with connection.transaction():
        status = _lock(connection, campaign_id)
        if status is not Status.FAILED:
            _change(connection, campaign_id, status, after(Action.FAIL, status), now, message, error)


def read_holds(connection: Connection, campaign_id: UUID) -> list[Hold]:
    """The campaign's holds, oldest first."""
    with connection.cursor(row_factory=class_row(Hold)) as cursor:
        return cursor.execute(
            "SELECT hold AS name, message, error FROM campaign_holds WHERE campaign_id = %s ORDER BY created_at, hold",
            (campaign_id,),
        ).fetchall()


@dataclass(frozen=True)
class ActiveCampaign:
    """A campaign that needs an actor."""

    label: str  # its slug, or its id where it has none
    company_id: UUID
    company: str  # its slug
    trunk: str
    status: Status
    holds: frozenset[str]
    updated_at: datetime  # of its row: whoever changes more of it than counters writes this

    @property
    def failed(self) -> bool:
        """Only its last calls are left."""
        return self.status is Status.FAILED


def read_active(connection: Connection) -> dict[UUID, ActiveCampaign]:
    """Running campaigns, paused ones, whose calls may go on, and failed ones, as long as they have calls."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            "SELECT c.id, coalesce(c.slug, c.id::text), company_id, y.slug, trunk, status,"
            " ARRAY(SELECT hold FROM campaign_holds h WHERE h.campaign_id = c.id), c.updated_at"
            " FROM campaigns c JOIN companies y ON y.id = c.company_id WHERE status IN ('running', 'paused')"
            " OR status = 'failed' AND EXISTS (SELECT FROM calls WHERE company_id = c.company_id"
            "   AND campaign_id = c.id AND state IN ('claimed', 'dialing', 'answered'))"
            " ORDER BY c.created_at, c.id"
        ).fetchall()
    return {
        campaign_id: ActiveCampaign(label, company_id, company, trunk, Status(status), frozenset(holds), updated_at)
        for campaign_id, label, company_id, company, trunk, status, holds, updated_at in rows
    }


def _lock(connection: Connection, campaign_id: UUID) -> Status:
    row = connection.execute("SELECT status FROM campaigns WHERE id = %s FOR NO KEY UPDATE", (campaign_id,)).fetchone()
    if row is None:
        raise CampaignNotFoundError(f"Campaign {campaign_id} not found")
    return Status(row[0])


def _nothing_left(connection: Connection, campaign_id: UUID, *, schedule_over: bool) -> bool:
    query = (
        "SELECT NOT EXISTS (SELECT FROM calls WHERE campaign_id = %s AND state IN ('claimed', 'dialing', 'answered'))"
        if schedule_over
        else "SELECT total_tasks = completed_tasks + failed_tasks FROM campaigns WHERE id = %s"
    )
    row = connection.execute(query, (campaign_id,)).fetchone()
    return row is not None and bool(row[0])


def _held_by_breakers_alone(connection: Connection, campaign_id: UUID) -> bool:
    return all(hold.name.startswith(BREAKER) for hold in read_holds(connection, campaign_id))


def _follow_holds(connection: Connection, campaign_id: UUID, status: Status, now: datetime, reason: str) -> None:
    holds = read_holds(connection, campaign_id)
    follows = status_under(status, holds)
    message, error = (holds[0].message, holds[0].error) if holds else (None, None)
    if follows is not status:
        # A pause is explained by the hold itself, whatever brought the hold to bear (a start, for one).
        _change(connection, campaign_id, status, follows, now, message or reason, error)
    if follows is Status.PAUSED:
        connection.execute(
            "UPDATE campaigns SET status_message = %s, status_error = %s WHERE id = %s", (message, error, campaign_id)
        )


def _change(
    connection: Connection,
    campaign_id: UUID,
    old: Status,
    new: Status,
    now: datetime,
    reason: str,
    error: str | None = None,
) -> None:
    message = reason if new in (Status.PAUSED, Status.FAILED) else None
    connection.execute(
        "UPDATE campaigns SET status = %s, status_message = %s, status_error = %s, updated_at = %s WHERE id = %s",
        (new.value, message, error, now, campaign_id),
    )
    connection.execute(
        "INSERT INTO campaign_status_history (campaign_id, from_status, to_status, reason, error, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (campaign_id, old.value, new.value, reason, error, now),
    )
