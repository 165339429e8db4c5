"""Changes what is known of leads: their name, and columns of their data. `params`: `name`, `set` (column → text),
`unset` (columns)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg import Connection
from psycopg.types.json import Jsonb

from actors.jobs.job import Item, Job, Worked

_UPDATE = """
UPDATE leads
SET data = (data || %(set)s) - %(unset)s::text[], name = coalesce(%(name)s, name), updated_at = %(now)s
WHERE id = ANY(%(leads)s) AND company_id = %(company)s"""


def work(connection: Connection, job: Job, items: Sequence[Item], now: datetime) -> Worked:
    """Change these leads; doing it again changes nothing."""
    values = {
        "leads": [item.subject_id for item in items],
        "company": job.company_id,
        "set": Jsonb(job.params.get("set", {})),
        "unset": job.params.get("unset", []),
        "name": job.params.get("name"),
        "now": now,
    }
    return Worked({"leads": connection.execute(_UPDATE, values).rowcount})
