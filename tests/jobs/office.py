"""A company with leads and jobs, as rows; its jobs are done batch by batch, without any actor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from actors.ids import new_id
from actors.jobs import ledger
from actors.jobs.job import Job
from actors.jobs.kinds import JobType
from actors.jobs.ledger import Claimant
from actors.jobs.listing import JobRow, read_jobs
from actors.jobs.submitting import Request, Selection, Submitted, submit
from actors.jobs.work import run_batch
from actors.roster import statuses
from tests.campaign.book import Book
from tests.world import TUESDAY

LEASE = timedelta(seconds=15)


class Office(Book):
    """A book, a company in it, and processes that work its jobs, each with an id that PostgreSQL knows as alive."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.acme = self.company()
        self._leads = 0

    def process(self) -> UUID:
        """The id of a process that lives."""
        owner = new_id()
        self.connect().execute("SELECT pg_advisory_lock_shared(hashtextextended(%s::text, 0))", (owner,))
        return owner

    def leads(
        self,
        count: int,
        *,
        company: UUID | None = None,
        source: str = "imported",
        import_id: UUID | None = None,
        data: Mapping[str, str] | None = None,
    ) -> list[str]:
        """So many leads, and their numbers."""
        numbers = [f"+7945{1_000_000 + self._leads + n}" for n in range(count)]
        self._leads += count
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO leads (id, company_id, phone_number, name, data, source, import_id, created_at,"
                " updated_at) VALUES (%s, %s, %s, 'Anna', %s, %s, %s, %s, %s)",
                [
                    (
                        new_id(), company or self.acme, number, Jsonb(data or {}), source, import_id,
                        TUESDAY + timedelta(microseconds=place), TUESDAY,
                    )
                    for place, number in enumerate(numbers)
                ],
            )  # fmt: skip
        return numbers

    def submit(self, type_: JobType, selection: Selection = Selection(), **more: Any) -> Submitted:  # noqa: B008
        company = more.pop("company", self.acme)
        return submit(self.connection, Request(type_, company, selection, **more), TUESDAY)

    def claim_job(self, owner: UUID, *ours: UUID) -> Job | None:
        return ledger.claim(self.connection, Claimant(owner, LEASE), ours, TUESDAY)

    def batch(self, job: Job, owner: UUID, size: int = 10) -> tuple[int, int] | None:
        return run_batch(self.connection, job, owner, size, TUESDAY, statuses.start)

    def finish(self, submitted: Submitted, size: int = 10) -> JobRow:
        """Do it to its end; nobody is on the phone."""
        owner = self.process()
        job = self.claim_job(owner)
        assert job is not None and job.id == submitted.id
        while (progress := self.batch(job, owner, size)) is not None:
            assert progress[1] == 0, "something waits"
        return self.job(submitted.id)

    def job(self, job_id: UUID) -> JobRow:
        (job,) = read_jobs(self.connection, job_id=job_id)
        return job

    def numbers_of(self, company: UUID | None = None) -> list[str]:
        rows = self.read(
            "SELECT phone_number FROM leads WHERE company_id = %s ORDER BY phone_number", company or self.acme
        )
        return [row["phone_number"] for row in rows]
