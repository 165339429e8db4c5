"""Deleting a campaign: only one that calls nobody any more, and then everything about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from actors.errors import CampaignNotFoundError, CampaignValidationError
from actors.roster.lifecycle import Status
from actors.statements import statement

_sql = partial(statement, __package__)
_DELETABLE = (Status.DRAFT, Status.COMPLETED, Status.FAILED)

# New tasks and calls refer to the row, so that none can come while it is locked like this.
_LOCK = "SELECT status FROM campaigns WHERE id = %s FOR UPDATE"
_CALLS_UP = "SELECT count(*) FROM calls WHERE campaign_id = %s AND state IN ('claimed', 'dialing', 'answered')"
_JOBS_UNDER_WAY = """
SELECT count(*) FROM background_jobs WHERE campaign_id = %s AND status IN ('pending', 'running', 'retry')"""


class DeletionRefusedError(CampaignValidationError):
    """The campaign is not to be deleted as it is now."""


@dataclass(frozen=True)
class Deleted:
    """How many rows are gone with a campaign."""

    tasks: int
    calls: int
    recordings: int  # their files are deleted by the recordings' actor, because their rows are
    receipts: int


def delete_campaign(connection: Connection, campaign_id: UUID) -> Deleted:
    """Delete the campaign with its tasks, calls, recordings, receipts and history; finished background jobs stay,
    without it. One transaction (or part of the caller's); takes as long as its tasks are many.

    Raises CampaignNotFoundError, and DeletionRefusedError for one that is running or paused, or for which something is
    under way.
    """
    with connection.transaction():
        row = connection.execute(_LOCK, (campaign_id,)).fetchone()
        if row is None:
            raise CampaignNotFoundError(f"Campaign {campaign_id} not found")
        if row[0] not in _DELETABLE:
            raise DeletionRefusedError(f"Campaign is {row[0]}: only a draft, completed or failed one can be deleted")
        _refuse_while(connection, campaign_id, _CALLS_UP, "calls in progress")
        _refuse_while(connection, campaign_id, _JOBS_UNDER_WAY, "background jobs under way")
        with connection.cursor(row_factory=class_row(Deleted)) as cursor:
            deleted = cursor.execute(_sql("delete"), {"campaign": campaign_id}).fetchone()
        assert deleted is not None  # an aggregate has one row
        return deleted


def _refuse_while(connection: Connection, campaign_id: UUID, query: str, what: str) -> None:
    row = connection.execute(query.encode(), (campaign_id,)).fetchone()
    if row is not None and row[0]:
        raise DeletionRefusedError(f"Campaign has {row[0]} {what}: it can be deleted when they are over")
