"""Imports a call list into a campaign: all of it in one transaction, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from actors.errors import (
    CallListValidationError,
    CampaignNotFoundError,
    CampaignValidationError,
    DatabaseError,
)
from actors.jobs.call_lists.columns import Columns
from actors.jobs.call_lists.contacts import Contact, Contacts, Rejected
from actors.jobs.call_lists.ledger import ImportTarget, Tasks
from actors.jobs.call_lists.rejects import RejectsWorkbook
from actors.jobs.call_lists.rows import Progress, Row, read_rows

_OPEN = ("draft", "running", "paused")
# Up to so many numbers (about 80 MB) are fetched before the list is read; when a campaign and its do-not-call lists
# have more, each batch of rows asks for its own.
_FETCHED = 1_000_000
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a call list: each of its rows that is not blank is a new task or an error."""

    total: int
    created: int
    errors: list[str]  # "Row 6: Empty phone number", in the order of the file

    def as_json(self) -> dict[str, Any]:
        """The result as `campaignd import --json` prints it."""
        return {"total": self.total, "created": self.created, "errors": self.errors}


def import_call_list(
    connection: psycopg.Connection,
    campaign_id: UUID,
    path: Path,
    now: datetime,
    progress: Progress = lambda done, total: None,
    rejects: Path | None = None,
) -> ImportResult:
    """Make each contact of the call list at `path` a pending task of the campaign, and count them in its total.

    One transaction of `connection` (READ COMMITTED; a savepoint when one is open): whatever interrupts it, nothing is
    left behind. Waits for another import into the same campaign, and for nothing else. A bad row is an error in the
    result and stops nothing. The workbook `rejects` gets all that were rejected, none perhaps; it appears, or replaces
    an older one, when the import is done.

    Raises CallListValidationError when the file as a whole can't be read, RejectsError when `rejects` can't be written,
    CampaignNotFoundError, CampaignValidationError when the campaign is at its end or `rejects` is no .xlsx,
    DatabaseError when PostgreSQL fails.
    """
    tasks = Tasks(connection, campaign_id)
    try:
        with RejectsWorkbook(rejects) if rejects else nullcontext() as workbook, connection.transaction():
            campaign = tasks.lock(lambda: progress(0, 0))
            if campaign is None:
                raise CampaignNotFoundError(f"Campaign {campaign_id} not found")
            if campaign.status not in _OPEN:
                raise CampaignValidationError(f"Campaign is {campaign.status}: {campaign.name} takes no more contacts")
            with closing(read_rows(path, progress)) as rows:
                result = _import(tasks, campaign, path, rows, now, workbook)
            if workbook is not None:
                workbook.finish()  # before the campaign's row is locked, for which settled calls would wait
            if not tasks.count(result.created):
                raise CampaignValidationError(f"Campaign came to its end during the import: {campaign.name}")
        return result
    except psycopg.errors.UniqueViolation as error:
        raise DatabaseError("The campaign got one of these contacts meanwhile: import the list again") from error
    except psycopg.Error as error:
        raise DatabaseError(f"The import failed, nothing was added: {' '.join(str(error).split())}") from error


def _import(
    tasks: Tasks,
    campaign: ImportTarget,
    path: Path,
    rows: Iterator[Row],
    now: datetime,
    rejects: RejectsWorkbook | None,
) -> ImportResult:
    header = next(rows, None)
    if header is None:
        raise CallListValidationError(f"The call list is empty: {path}")
    contacts = Contacts(Columns.of(header.cells), campaign.default_region)
    if rejects is not None:
        rejects.begin(header.cells)
    created = 0
    errors: list[str] = []
    for admitted in _admitted(tasks, campaign, contacts, contacts.read(rows)):
        with tasks.writer(now) as writer:
            for contact in admitted:
                if isinstance(contact, Rejected):
                    errors.append(str(contact))
                    if rejects is not None:
                        rejects.add(contact)
                else:
                    writer.write(contact)
                    created += 1
    return ImportResult(created + len(errors), created, errors)


def _admitted(
    tasks: Tasks, campaign: ImportTarget, contacts: Contacts, read: Iterator[Contact | Rejected]
) -> Iterator[Iterable[Contact | Rejected]]:
    """What was read, in as few batches as can be: while one is being written nothing can be asked of PostgreSQL."""
    fetched = contacts.already_in_campaign(tasks.in_campaign(_FETCHED))
    fetched += contacts.do_not_call(tasks.do_not_call(campaign.company_id, _FETCHED - fetched))
    if fetched < _FETCHED:  # those were all there are
        yield contacts.admit(read)
        return
    while batch := list(islice(read, _BATCH)):
        numbers = [contact.phone_number for contact in batch if isinstance(contact, Contact)]
        in_campaign, do_not_call = tasks.known_among(campaign.company_id, numbers)
        contacts.already_in_campaign(in_campaign)
        contacts.do_not_call(do_not_call)
        yield contacts.admit(batch)
