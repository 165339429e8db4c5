"""The shapes of answers, as they are sent and as the OpenAPI description has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SkipValidation

from actors.campaign.settings import CallSettings, Limits, RecordingSettings, RetrySettings, ScheduleSettings

T = TypeVar("T")

CampaignStatus = Literal["DRAFT", "RUNNING", "PAUSED", "COMPLETED", "FAILED"]
JobStatus = Literal["PENDING", "IN_PROGRESS", "COMPLETED", "RETRY", "FAILED"]


class Shape(BaseModel):
    """Part of an answer. What an answer has grows: whoever reads one passes over keys that it does not know."""

    model_config = ConfigDict(frozen=True, defer_build=True)  # with the first answer, not with the start


class Answer(Shape, Generic[T]):
    """Every answer that is no problem."""

    data: T


class Page(Shape):
    """Which part of a list this is."""

    limit: int
    offset: int
    more: bool
    """Something comes after it."""


class Listed(Shape, Generic[T]):
    """Part of a list."""

    data: list[T]
    page: Page


class MistakeShape(Shape):
    """One thing that is wrong with a request."""

    key: str
    """Dotted path, such as `schedule.daily_start_time`."""
    reason: str


class ProblemShape(Shape):
    """What is answered when something is wrong."""

    error: str
    """One line that a person can act on."""
    details: str | list[MistakeShape] | None


class CampaignShape(Shape):
    """A campaign, and how far it is."""

    id: UUID
    slug: str | None
    """Its file's stem; null when it was not made from one."""
    name: str
    description: str | None
    company: str
    """Slug."""
    company_id: UUID
    skillbase: str
    """Slug."""
    skillbase_id: UUID
    trunk: str
    mode: str
    default_region: str | None
    status: CampaignStatus
    status_message: str | None
    """What: shown to people."""
    status_error: str | None
    """Why, when something failed."""
    holds: list[str]
    """Why it may not dial now, oldest first: `operator`, `config` or `breaker:<service>`."""
    total_tasks: int
    completed_tasks: int
    failed_tasks: int
    # Shown as they stand in the database: a campaign whose settings make no sense any more has failed for it.
    limits: SkipValidation[Limits]
    schedule: SkipValidation[ScheduleSettings]
    retry: SkipValidation[RetrySettings]
    call: SkipValidation[CallSettings]
    recording: SkipValidation[RecordingSettings]
    created_at: datetime
    updated_at: datetime


class TasksShape(Shape):
    """Call tasks by status, counted."""

    total: int
    pending: int
    in_progress: int
    retry: int
    completed: int
    failed: int


class CallsShape(Shape):
    """Ended calls."""

    total: int
    by_outcome: dict[str, int]


class CostShape(Shape):
    """What the calls cost, by their receipts; null where nothing is known, or receipts are in several currencies."""

    amount: float | None
    currency: str | None
    per_call: float | None
    per_success: float | None
    by_currency: dict[str, float] = {}
    """Filled only when there are several."""


class CampaignDetailsShape(CampaignShape):
    """A campaign with its figures, of one moment."""

    tasks: TasksShape
    calls: CallsShape
    success_rate: float | None
    """Completed among settled tasks, 0 to 1."""
    average_duration_s: float | None
    p95_duration_s: float | None
    cost: CostShape


class JobShape(Shape):
    """A call task: one contact of one campaign."""

    id: UUID
    job_type: Literal["CALL"] = "CALL"
    status: JobStatus
    phone_number: str
    """E.164."""
    contact_name: str | None
    contact_data: dict[str, Any]
    priority: int
    attempt_count: int
    max_attempts: int | None
    """Of its own; null: the campaign's `max_retries`."""
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    call_id: UUID | None
    outcome: str | None
    error_message: str | None
    created_at: datetime
    updated_at: datetime


class ImportedShape(Shape):
    """What became of a call list."""

    total: int
    """Its rows that are not blank."""
    created: int
    """New call tasks."""
    errors: list[str]
    """`Row 6: Empty phone number`, for each other row."""


class DeletedShape(Shape):
    """How many rows are gone with a campaign."""

    id: UUID
    tasks: int
    calls: int
    recordings: int
    """Their files and transcripts are deleted from the store within seconds."""
    receipts: int


class BreakerShape(Shape):
    """The circuit breaker of one service."""

    circuit_state: Literal["closed", "open", "half_open"]
    pause_info: str | None
    """Why campaigns that need the service are paused."""


class HealthShape(Shape):
    """The process answers."""

    healthy: bool


class ReadinessShape(Shape):
    """Whether the service is started, and does not drain. PostgreSQL is not asked."""

    ready: bool


class WebhookShape(Shape):
    """Whether an event was about a call that is up here."""

    accepted: bool
