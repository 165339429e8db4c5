"""Jobs: works background jobs beside calling, a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg_pool import ConnectionPool

from actors.actor import Actor, Surroundings, describe, is_outage
from actors.addresses import SUPERVISOR, Address
from actors.errors import CampaignServiceError, DatabaseError
from actors.jobs import ledger
from actors.jobs.job import Job
from actors.jobs.messages import JobAdded, PaceChanged
from actors.jobs.pace import JobPace
from actors.jobs.work import NotOurs, StartCampaign, run_batch
from actors.telemetry import Telemetry

LOOK_EVERY = timedelta(seconds=5)
"""How often jobs are looked for that no event told of: those of a process that has died, those whose next attempt has
come, and those whose notification was lost. Also the sign of life that this process gives."""
SHORTEST_LEASE = 3 * LOOK_EVERY
"""A process that is silent for less is not taken for dead."""
WAIT = timedelta(seconds=2)
"""How soon items are looked at again of which none could be done: people are on the phone for longer."""


@dataclass(frozen=True)
class LookForJobs:
    """Reminder: are there jobs to begin?"""


@dataclass(frozen=True)
class Batch:
    """Reminder: the pause is over; do the next batch of this job."""

    job_id: UUID


class Jobs(Actor):
    """Claims jobs and does them in batches, each a short transaction, with a pause between, in which it hears of
    whatever else there is. A job that was cancelled, or was taken over by another process that thought this one dead,
    is left at the next batch. What a batch could not do is tried again with growing delay. Nothing that goes wrong in a
    job ends this actor, unless PostgreSQL is away."""

    def __init__(
        self,
        address: Address,
        generation: int,
        surroundings: Surroundings,
        *,
        pool: ConnectionPool,
        telemetry: Telemetry,
        claimant: ledger.Claimant,
        pace: JobPace,
        start_campaign: StartCampaign,
    ) -> None:
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._pool = pool
        self._telemetry = telemetry
        self._claimant = claimant
        self._pace = pace
        self._start_campaign = start_campaign
        self._jobs: dict[UUID, Job] = {}  # at work on

    def started(self) -> None:
        self._look()

    def stopped(self) -> None:
        with self._pool.connection() as connection:
            ledger.release(connection, self._claimant.owner)

    def receive(self, message: Any) -> None:
        match message:
            case JobAdded() | LookForJobs():
                self._look()
            case Batch():
                if (job := self._jobs.get(message.job_id)) is not None:
                    self._work(job)
            case PaceChanged():
                self._pace = message.pace
                self._look()
            case _:
                raise TypeError(f"jobs can't do anything with {message!r}")

    def _look(self) -> None:
        now = self.clock.now()
        with self._pool.connection() as connection:
            ledger.stay(connection, self._claimant.owner, list(self._jobs))
            connection.commit()  # the claims below are transactions of their own
            while len(self._jobs) < self._pace.at_once:
                job = ledger.claim(connection, self._claimant, list(self._jobs), now)
                if job is None:
                    break
                self._begin(connection, job)
            self._telemetry.jobs_counted(ledger.count(connection))
        self.remind("look", now + LOOK_EVERY, LookForJobs())

    def _begin(self, connection: psycopg.Connection, job: Job) -> None:
        if job.attempts >= self._pace.most_attempts:
            error = f"Given up after {job.attempts} attempts: the process ended while it worked on this"
            ledger.fail(connection, job, self._claimant.owner, self.clock.now(), error)
            self.log.error("job_failed", job=str(job.id), type=job.type.value, error=error)
            return
        self._jobs[job.id] = job
        self.log.info("job_begun", job=str(job.id), type=job.type.value, attempts=job.attempts)
        self.afterwards(Batch(job.id))

    def _work(self, job: Job) -> None:
        now, owner = self.clock.now(), self._claimant.owner
        try:
            with self._pool.connection() as connection:
                progress = run_batch(connection, job, owner, self._pace.batch_size, now, self._start_campaign)
        except NotOurs:
            self._leave(job, "job_left", reason="cancelled, or taken over")
        except Exception as error:  # noqa: BLE001 - whatever it is: a job must not take others down with it
            self._failed(job, error)
        else:
            if progress is None:
                self._leave(job, "job_completed")
                return
            done, waiting = progress
            if done:
                self._jobs[job.id] = replace(job, attempts=0)
            pause = WAIT if waiting and not done else self._pace.pause
            self.remind(f"job:{job.id}", self.clock.now() + pause, Batch(job.id))

    def _failed(self, job: Job, error: Exception) -> None:
        """Nothing of the batch was written. Raises what psycopg raises when PostgreSQL is away: then the job is found
        running, and gone on with, when it is back."""
        now, owner, said = self.clock.now(), self._claimant.owner, _said(error)
        attempts = job.attempts + 1
        hopeless = isinstance(error, CampaignServiceError) and not isinstance(error, DatabaseError)
        with self._pool.connection() as connection:
            if hopeless or attempts >= self._pace.most_attempts:
                ledger.fail(connection, job, owner, now, said)
                self._leave(job, "job_failed", error=said, attempts=attempts)
            else:
                # The exponent is bounded only so that a job with very many attempts can't overflow a timedelta.
                delay = self._pace.retry_delay * 2 ** min(attempts - 1, 16)
                next_at = now + min(delay, self._pace.longest_retry_delay)
                ledger.put_off(connection, job, owner, now, said, next_at)
                self._leave(job, "job_put_off", error=said, attempts=attempts, outage=is_outage(error))

    def _leave(self, job: Job, event: str, **facts: object) -> None:
        del self._jobs[job.id]
        self.forget(f"job:{job.id}")
        log = self.log.warning if "error" in facts else self.log.info
        log(event, job=str(job.id), type=job.type.value, **facts)
        self.afterwards(LookForJobs())


def _said(error: Exception) -> str:
    """In one line, and without the values of a row, among which is somebody's number."""
    if isinstance(error, CampaignServiceError):
        return str(error)
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return f"{type(error).__name__}: {error.diag.message_primary}"
    return describe(error)
