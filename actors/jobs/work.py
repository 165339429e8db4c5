"""What is done for each kind of job: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from actors.jobs import (
    delete_imported_leads,
    delete_leads,
    delete_receipts_all,
    enqueue_outbound_calls,
    ledger,
    update_leads,
)
from actors.jobs.job import Item, Job, Worked
from actors.jobs.kinds import JobType

Batch = Callable[[Connection, Job, Sequence[Item], datetime], Worked]
StartCampaign = Callable[[Connection, UUID, datetime, str], None]
"""draft → running, with a reason; raises CampaignValidationError."""

BATCHES: Mapping[JobType, Batch] = {
    JobType.DELETE_RECEIPTS_ALL: delete_receipts_all.work,
    JobType.DELETE_LEADS: delete_leads.work,
    JobType.UPDATE_LEADS: update_leads.work,
    JobType.DELETE_IMPORTED_LEADS: delete_imported_leads.work,
    JobType.ENQUEUE_OUTBOUND_CALLS: enqueue_outbound_calls.work,
    JobType.BROADCAST: enqueue_outbound_calls.work,
}


class NotOurs(Exception):
    """The job was cancelled, or another process has taken it over: nothing was written."""


def run_batch(
    connection: Connection, job: Job, owner: UUID, size: int, now: datetime, start_campaign: StartCampaign
) -> tuple[int, int] | None:
    """Do up to `size` items in one transaction: how many are done, and how many of them wait; None: the job is
    completed. Raises NotOurs, what psycopg raises, and CampaignServiceError when the job can't be done."""
    with connection.transaction():
        if not ledger.still_ours(connection, job, owner):
            raise NotOurs
        items = ledger.next_items(connection, job, size)
        if not items:
            _finish(connection, job, now, start_campaign)
            ledger.complete(connection, job, owner, now)
            return None
        worked = BATCHES[job.type](connection, job, items, now)
        done = ledger.note(connection, job, items, worked, now)
    return done, len(items) - done


def _finish(connection: Connection, job: Job, now: datetime, start_campaign: StartCampaign) -> None:
    if job.type is JobType.DELETE_LEADS:
        delete_leads.finish(connection, job, now)
    elif job.type is JobType.BROADCAST and job.campaign_id is not None:
        start_campaign(connection, job.campaign_id, now, "every contact of the broadcast is there")
