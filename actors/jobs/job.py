"""A background job as its batches see it, and what a batch brings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from actors.jobs.kinds import JobType


@dataclass(frozen=True)
class Job:
    """One that is being worked on."""

    id: UUID
    company_id: UUID
    campaign_id: UUID | None  # the campaign that gets tasks, or whose receipts go
    type: JobType
    params: Mapping[str, Any]
    created_at: datetime
    attempts: int  # failed ones in a row, those included that ended with the process


@dataclass(frozen=True)
class Item:
    """One of the things that a job has still to do."""

    position: int  # in the order of the selection, from 1
    subject_id: UUID | None
    phone_number: str | None
    looks: int  # how often it had to wait


@dataclass(frozen=True)
class Worked:
    """What a batch did."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """What was done → how often; added to the job's result."""
    waiting: Collection[int] = ()
    """Positions of items that can't be done yet: they are looked at again. All others are done."""
