"""How fast background jobs are worked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class JobPace:
    """How jobs are worked."""

    batch_size: int  # items in one transaction
    pause: timedelta  # between two batches of one job: calling has PostgreSQL for itself
    most_attempts: int  # failed ones in a row, after which a job is failed
    retry_delay: timedelta  # before the second attempt; doubles with each
    longest_retry_delay: timedelta
    at_once: int  # jobs, each of another company
