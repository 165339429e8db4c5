"""Makes call tasks of leads, by the rules of call lists: a number that can be called, in the campaign once, and not on
do-not-call."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row, scalar_row
from psycopg.types.json import Jsonb

from actors.errors import CampaignValidationError
from actors.ids import new_id
from actors.jobs.job import Item, Job, Worked
from actors.numbers import NumberError, normalise
from actors.statements import statement

PRIORITY = "priority"
"""The column of a lead's data that becomes its task's priority, if it is a whole number."""

_sql = partial(statement, __package__)
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
_LEADS = """
SELECT l.id, l.phone_number, l.name, l.data, p.default_region FROM leads l, campaigns p
WHERE l.id = ANY(%(leads)s) AND l.company_id = %(company)s AND p.id = %(campaign)s"""
_FORBIDDEN = """
SELECT phone_number FROM do_not_call
WHERE phone_number = ANY(%(numbers)s) AND (company_id IS NULL OR company_id = %(company)s)"""


@dataclass(frozen=True)
class _Contact:
    position: int
    phone_number: str
    name: str | None
    data: Mapping[str, Any]


def work(connection: Connection, job: Job, items: Sequence[Item], now: datetime) -> Worked:
    """Make tasks of these leads. Raises CampaignValidationError when the campaign takes no more contacts."""
    counts: Counter[str] = Counter()
    contacts = _contacts(connection, job, items, counts)
    numbers = [contact.phone_number for contact in contacts]
    with connection.cursor(row_factory=scalar_row) as cursor:
        forbidden = set(cursor.execute(_FORBIDDEN, {"numbers": numbers, "company": job.company_id}).fetchall())
    allowed = [contact for contact in contacts if contact.phone_number not in forbidden]
    counts["on the do-not-call list"] = len(contacts) - len(allowed)
    created = _enqueue(connection, job, allowed, now)
    counts["created"] = created
    counts["already in this campaign"] = len(allowed) - created
    return Worked(counts)


def _contacts(connection: Connection, job: Job, items: Sequence[Item], counts: Counter[str]) -> list[_Contact]:
    """Those that can be called, in the order of the selection, each number once."""
    values = {"leads": [item.subject_id for item in items], "company": job.company_id, "campaign": job.campaign_id}
    with connection.cursor(row_factory=dict_row) as cursor:
        leads: dict[UUID, dict[str, Any]] = {row["id"]: row for row in cursor.execute(_LEADS, values)}
    contacts: dict[str, _Contact] = {}
    for item in items:
        lead = None if item.subject_id is None else leads.get(item.subject_id)
        if lead is None:
            counts["deleted meanwhile"] += 1
            continue
        try:
            number = normalise(lead["phone_number"], lead["default_region"])
        except NumberError:
            counts["not a number that can be called"] += 1
            continue
        if number in contacts:
            counts["already in this campaign"] += 1
            continue
        contacts[number] = _Contact(item.position, number, lead["name"], lead["data"])
    return list(contacts.values())


def _enqueue(connection: Connection, job: Job, contacts: Sequence[_Contact], now: datetime) -> int:
    values = {
        "campaign": job.campaign_id,
        "now": now,
        "ids": [new_id() for _ in contacts],
        "numbers": [contact.phone_number for contact in contacts],
        "names": [contact.name for contact in contacts],
        "data": [Jsonb({key: value for key, value in contact.data.items() if key != PRIORITY}) for contact in contacts],
        "priorities": [_priority(contact.data.get(PRIORITY)) for contact in contacts],
        # A microsecond apart: claiming keeps the order of the selection, over batches and crashes.
        "created_at": [job.created_at + timedelta(microseconds=contact.position) for contact in contacts],
    }
    with connection.cursor(row_factory=scalar_row) as cursor:
        created: int | None = cursor.execute(_sql("enqueue"), values).fetchone()
    if created is None:
        raise CampaignValidationError("The campaign has come to its end and takes no more contacts")
    return created


def _priority(text: object) -> int:
    return int(text) if isinstance(text, str) and _WHOLE.fullmatch(text) else 0
