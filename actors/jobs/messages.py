"""What the actor of background jobs is told."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class JobAdded:
    """A job was submitted, here or by another process."""

    job_id: UUID
