"""Erases people: their leads, and what call tasks, calls, recordings and transcripts of the company say of them. What
is counted stays, without a name or a number.

Who has not been called yet is not called any more. A call that is in progress goes on; its task is not tried again, and
is emptied as soon as the call has ended. So the job may outlast its last lead by the length of a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from psycopg import Connection
from psycopg.rows import dict_row, scalar_row

from actors.jobs.job import Item, Job, Worked
from actors.statements import statement

_sql = partial(statement, __package__)
# Their files, transcripts too, are deleted because their rows are (migration 0006), and those that LiveKit has yet to
# write when they come (migration 0012).
_FORGET_RECORDINGS = "DELETE FROM recordings WHERE call_id = ANY(%(calls)s)"
_DELETE = "DELETE FROM leads WHERE company_id = %(company)s AND phone_number = ANY(%(numbers)s)"
# A campaign whose last tasks were cancelled has come to its end, which its actor sees when it looks.
_WAKE = """
SELECT pg_notify('campaignd', 'tasks:' || id) FROM campaigns
WHERE company_id = %(company)s AND status IN ('running', 'paused')"""


def work(connection: Connection, job: Job, items: Sequence[Item], now: datetime) -> Worked:
    """Erase the people of these numbers; the numbers of those who are on the phone have to wait."""
    numbers = [item.phone_number for item in items if item.phone_number is not None]
    values = {"company": job.company_id, "numbers": numbers, "now": now}
    leads = connection.execute(_DELETE, values).rowcount
    with connection.cursor(row_factory=dict_row) as cursor:
        tasks = cursor.execute(_sql("erase_tasks"), values).fetchone()
    assert tasks is not None  # a SELECT without FROM has one row
    waiting = set(tasks["waiting"])
    values["numbers"] = [number for number in numbers if number not in waiting]
    with connection.cursor(row_factory=scalar_row) as cursor:
        calls = cursor.execute(_sql("erase_calls"), values).fetchall()
    recordings = connection.execute(_FORGET_RECORDINGS, {"calls": calls}).rowcount
    counts = {
        "leads": leads,
        "tasks": tasks["erased"],
        "cancelled": tasks["cancelled"],
        "calls": len(calls),
        "recordings": recordings,
    }
    return Worked(counts, [item.position for item in items if item.phone_number in waiting])


def finish(connection: Connection, job: Job, now: datetime) -> None:
    """Have campaigns look whether anything is left for them."""
    connection.execute(_WAKE, {"company": job.company_id})
