"""What the actor of background jobs is told."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from actors.jobs.pace import JobPace


@dataclass(frozen=True)
class JobAdded:
    """A job was submitted, here or by another process."""

    job_id: UUID


@dataclass(frozen=True)
class PaceChanged:
    """The configuration has changed: jobs are worked like this from the next batch on."""

    pace: JobPace
