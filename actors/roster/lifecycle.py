"""The lifecycle of a campaign as one table (product.md, "Lifecycle"), and its holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from actors.errors import CampaignValidationError


class Status(StrEnum):
    """Statuses of a campaign; the database has the same list (`chk_campaign_status`)."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"


class Action(StrEnum):
    """What can be done to a campaign."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    COMPLETE = "complete"
    FAIL = "fail"


OPERATOR = "operator"
CONFIG = "config"

_ALLOWED: dict[Action, frozenset[Status]] = {
    Action.START: frozenset({Status.DRAFT}),
    Action.PAUSE: frozenset({Status.RUNNING, Status.PAUSED}),
    Action.RESUME: frozenset({Status.PAUSED}),
    Action.COMPLETE: frozenset({Status.RUNNING}),
    Action.FAIL: frozenset({Status.DRAFT, Status.RUNNING, Status.PAUSED, Status.COMPLETED}),
}


@dataclass(frozen=True)
class Hold:
    """A named reason why a campaign may not dial now."""

    name: str  # operator, config or breaker:<service>
    message: str
    error: str | None = None


def check(action: Action, status: Status) -> None:
    """Raise CampaignValidationError where `action` is not allowed in `status`."""
    if status in _ALLOWED[action]:
        return
    if status is Status.RUNNING:
        raise CampaignValidationError("Campaign is already running")
    raise CampaignValidationError(f"Campaign is {status}: it can't be {_PARTICIPLES[action]}")


def status_under(status: Status, holds: Sequence[Hold]) -> Status:
    """What an active campaign's status is, given its holds: it runs only while it has none."""
    if status in (Status.RUNNING, Status.PAUSED):
        return Status.PAUSED if holds else Status.RUNNING
    return status


_PARTICIPLES = {
    Action.START: "started",
    Action.PAUSE: "paused",
    Action.RESUME: "resumed",
    Action.COMPLETE: "completed",
    Action.FAIL: "failed",
}
