"""The lifecycle of a campaign as one table (product.md, "Lifecycle"), and its holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    CANCEL = "cancel"


OPERATOR = "operator"
CONFIG = "config"

TRANSITIONS: Mapping[tuple[Status, Action], Status] = {
    (Status.DRAFT, Action.START): Status.RUNNING,
    (Status.RUNNING, Action.PAUSE): Status.PAUSED,
    (Status.PAUSED, Action.PAUSE): Status.PAUSED,  # by one more hold
    (Status.PAUSED, Action.RESUME): Status.RUNNING,  # once its last hold is lifted
    (Status.RUNNING, Action.COMPLETE): Status.COMPLETED,
    (Status.RUNNING, Action.CANCEL): Status.FAILED,
    (Status.PAUSED, Action.CANCEL): Status.FAILED,
    **{(status, Action.FAIL): Status.FAILED for status in Status if status is not Status.FAILED},
}
"""All there are: what is not here is refused."""


class TransitionRefusedError(CampaignValidationError):
    """The campaign's status does not allow this."""

    def __init__(self, action: Action, status: Status) -> None:
        self.action, self.status = action, status
        super().__init__(_REFUSALS.get((status, action), f"Campaign is {status}: it can't be {_PARTICIPLES[action]}"))


class NoTasksError(CampaignValidationError):
    """A campaign without tasks can't be started."""


class HeldError(CampaignValidationError):
    """Somebody else's hold stands in the way."""


@dataclass(frozen=True)
class Hold:
    """A named reason why a campaign may not dial now."""

    name: str  # operator, config or breaker:<service>
    message: str
    error: str | None = None


def after(action: Action, status: Status) -> Status:
    """The status that `action` leads to from `status`. Raises TransitionRefusedError where there is no way."""
    try:
        return TRANSITIONS[status, action]
    except KeyError:
        raise TransitionRefusedError(action, status) from None


def status_under(status: Status, holds: Sequence[Hold]) -> Status:
    """What an active campaign's status is, given its holds: it runs only while it has none."""
    if status in (Status.RUNNING, Status.PAUSED):
        return Status.PAUSED if holds else Status.RUNNING
    return status


_REFUSALS = {
    (Status.RUNNING, Action.START): "Campaign is already running",
    (Status.RUNNING, Action.RESUME): "Campaign is already running",
    (Status.DRAFT, Action.PAUSE): "Campaign is not running",
}
_PARTICIPLES = {
    Action.START: "started",
    Action.PAUSE: "paused",
    Action.RESUME: "resumed",
    Action.COMPLETE: "completed",
    Action.FAIL: "failed",
    Action.CANCEL: "cancelled",
}
