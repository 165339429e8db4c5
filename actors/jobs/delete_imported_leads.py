"""Takes leads back that an import brought. Calls and their tasks keep what they say: this undoes an import, it erases
nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg import Connection

from actors.jobs.job import Item, Job, Worked

_DELETE = """
DELETE FROM leads WHERE id = ANY(%(leads)s) AND company_id = %(company)s AND source = 'imported'"""


def work(connection: Connection, job: Job, items: Sequence[Item], now: datetime) -> Worked:
    """Delete these leads, as far as they are there and were imported."""
    leads = [item.subject_id for item in items]
    return Worked({"leads": connection.execute(_DELETE, {"leads": leads, "company": job.company_id}).rowcount})
