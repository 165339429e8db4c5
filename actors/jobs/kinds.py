"""The kinds of background jobs and the states they go through; the database has the same lists (`chk_job_type`,
`chk_job_status`)."""

from __future__ import annotations

from enum import StrEnum


class JobType(StrEnum):
    """What a background job does."""

    DELETE_RECEIPTS_ALL = "delete_receipts_all"
    DELETE_LEADS = "delete_leads"
    UPDATE_LEADS = "update_leads"
    DELETE_IMPORTED_LEADS = "delete_imported_leads"
    ENQUEUE_OUTBOUND_CALLS = "enqueue_outbound_calls"
    BROADCAST = "broadcast"


class JobStatus(StrEnum):
    """Where a background job stands."""

    PENDING = "pending"
    RUNNING = "running"
    RETRY = "retry"  # a batch failed; it goes on where it stopped, at next_attempt_at
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (JobStatus.PENDING, JobStatus.RUNNING, JobStatus.RETRY)
"""Those in which there is still something to be done."""
