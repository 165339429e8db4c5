"""The reasons why a contact has not been called yet, and which of several comes first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """In the order of precedence: what is settled; what no waiting ends; what somebody has to end; what time ends;
    what calls or other contacts end. Among those that time ends, the one that lasts longest comes first."""

    COMPLETED = "completed"  # reached
    FAILED = "failed"  # given up
    IN_PROGRESS = "in_progress"

    DO_NOT_CALL = "do_not_call"
    NEVER_OPEN = "never_open"  # the campaign's window and the contact's have no minute in common
    CAMPAIGN_COMPLETED = "campaign_completed"
    CAMPAIGN_FAILED = "campaign_failed"
    TIME_OVER = "time_over"

    CAMPAIGN_DRAFT = "campaign_draft"
    HELD = "held"
    NO_TRUNK = "no_trunk"  # the service's file does not name it

    NOT_BEGUN = "not_begun"
    WINDOW_CLOSED = "window_closed"
    PLACE_CLOSED = "place_closed"
    WAITING_FOR_RETRY = "waiting_for_retry"
    ATTEMPTS_PER_DAY = "attempts_per_day"
    PUT_OFF = "put_off"  # by a rule that would not put it off so long any more

    NO_SERVICE = "no_service"
    COMPANY_CONCURRENT = "company_concurrent"
    SLOWED_DOWN = "slowed_down"  # too many who answered found no agent
    CAMPAIGN_CONCURRENT = "campaign_concurrent"
    CAMPAIGN_PER_MINUTE = "campaign_per_minute"
    TRUNK_CONCURRENT = "trunk_concurrent"
    TRUNK_PER_MINUTE = "trunk_per_minute"
    TRUNK_PER_SECOND = "trunk_per_second"

    BEHIND = "behind"  # it is not its turn
    NOTHING = "nothing"  # it may be called now


_PLACES = {reason: place for place, reason in enumerate(Reason)}
_FIRST_TIMED, _LAST_TIMED = _PLACES[Reason.NOT_BEGUN], _PLACES[Reason.PUT_OFF]
_LAST_FINAL = _PLACES[Reason.TIME_OVER]
_ONLY_ROOM = _PLACES[Reason.COMPANY_CONCURRENT]


@dataclass(frozen=True)
class Hindrance:
    """One reason, in words."""

    reason: Reason
    text: str  # a phrase without the times; contacts counted together share it
    since: datetime | None = None
    until: datetime | None = None  # None: not known, or never
    zones: tuple[str, ...] = ()  # the contact's, where it is closed


NOTHING = Hindrance(Reason.NOTHING, "nothing hinders it: may be called now")


def in_order(hindrances: Iterable[Hindrance]) -> list[Hindrance]:
    """By precedence, the one that matters first."""
    return sorted(hindrances, key=_precedence)


def is_final(hindrance: Hindrance) -> bool:
    """Whether no waiting ends it, so that what else may stand in the way does not matter."""
    return _PLACES[hindrance.reason] <= _LAST_FINAL


def is_about_room(hindrance: Hindrance) -> bool:
    """Whether only other calls or other contacts stand in the way."""
    return _PLACES[hindrance.reason] >= _ONLY_ROOM


def _precedence(hindrance: Hindrance) -> tuple[int, float, int]:
    place = _PLACES[hindrance.reason]
    if _FIRST_TIMED <= place <= _LAST_TIMED:
        return _FIRST_TIMED, -hindrance.until.timestamp() if hindrance.until else 0.0, place
    return place, 0.0, place
