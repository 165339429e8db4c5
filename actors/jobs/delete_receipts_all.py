"""Deletes a company's receipts, or those of one campaign: what was known when the job was submitted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg import Connection

from actors.jobs.job import Item, Job, Worked

_DELETE = "DELETE FROM receipts WHERE id = ANY(%(receipts)s) AND company_id = %(company)s"


def work(connection: Connection, job: Job, items: Sequence[Item], now: datetime) -> Worked:
    """Delete these receipts."""
    receipts = [item.subject_id for item in items]
    deleted = connection.execute(_DELETE, {"receipts": receipts, "company": job.company_id})
    return Worked({"receipts": deleted.rowcount})
