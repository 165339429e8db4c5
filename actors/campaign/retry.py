"""What becomes of a task after an attempt (product.md, "A task's life")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from actors.campaign.settings import RetrySettings
from actors.outcomes import Outcome


class TaskStatus(StrEnum):
    """Statuses of a call task; the database has the same list (`chk_task_status`)."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    RETRY = "retry"
    FAILED = "failed"


@dataclass(frozen=True)
class Verdict:
    """What becomes of the task."""

    status: TaskStatus
    next_attempt_at: datetime | None = None
    attempt_counts: bool = True  # False: the attempt is taken back from attempt_count


RATE_LIMITED_PAUSE = timedelta(seconds=5)
"""The trunk slows down by itself; the pause only lets others go first."""

_BUSY_DELAY_MINUTES = 5.0


class Retry:
    """Decides between completed, retry and failed. Rules for single outcomes come before the general delay; without
    one of its own a wrong number is never called again and a busy one soon."""

    def __init__(self, settings: RetrySettings) -> None:
        self._settings = settings

    def verdict(
        self,
        outcome: Outcome,
        attempts: int,
        now: datetime,
        chance: float,
        *,
        max_attempts: int | None = None,
        outage: bool = False,
    ) -> Verdict:
        """What `outcome` of attempt number `attempts`, ended at `now`, means for its task.

        `chance` in [0, 1) is what the jitter is drawn from; `max_attempts` is the task's own, if it has one.
        `outage`: it failed by a service that is known to fail. Then the attempt does not count, and nobody is given up
        for it, but the contact waits as after one that does: else the same one would be called again and again to see
        whether the service works.
        """
        if outcome is Outcome.ANSWERED:
            return Verdict(TaskStatus.COMPLETED)
        if outcome is Outcome.RATE_LIMITED:
            return Verdict(TaskStatus.RETRY, now + RATE_LIMITED_PAUSE, attempt_counts=False)
        rule = self._rule(outcome)
        if rule == "never" and not outage:
            # A machine that took the message was reached; nobody else was.
            return Verdict(TaskStatus.COMPLETED if outcome is Outcome.VOICEMAIL else TaskStatus.FAILED)
        if not outage and attempts >= (max_attempts or self._settings.max_retries):
            return Verdict(TaskStatus.FAILED)
        minutes = self._general_delay(attempts) if rule is None or rule == "never" else rule
        jittered = minutes * (1 + self._settings.jitter * (2 * chance - 1))
        delay = timedelta(minutes=min(jittered, self._settings.max_delay_minutes))
        return Verdict(TaskStatus.RETRY, now + delay, attempt_counts=not outage)

    def _rule(self, outcome: Outcome) -> float | Literal["never"] | None:
        own = self._settings.outcomes.get(outcome)
        if own is not None:
            return own
        if outcome is Outcome.INVALID_NUMBER:
            return "never"
        if outcome is Outcome.BUSY:
            return min(_BUSY_DELAY_MINUTES, self._settings.retry_delay_minutes)
        return None

    def _general_delay(self, attempts: int) -> float:
        if self._settings.backoff == "fixed":
            return self._settings.retry_delay_minutes
        # The exponent is bounded only so that a task with a thousand attempts can't overflow a float.
        return self._settings.retry_delay_minutes * 2.0 ** min(attempts - 1, 64)
