"""What hinders a campaign as a whole: its status and holds, its schedule, the limits that it meets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from actors.campaign.abandonment import Abandonment
from actors.campaign.allowance import CLAIM_MOST
from actors.campaign.readings import Answered
from actors.campaign.schedule import Schedule
from actors.campaign.settings import CampaignSettings
from actors.limiter import CallLimits
from actors.roster.lifecycle import Status
from actors.trunk.pace import Pace, PaceLearned
from supervisor.explain.limits import CAMPAIGN, COMPANY, TRUNK, CallsUnder, Limit, limit_of, limits_of, reached, room
from supervisor.explain.reasons import Hindrance, Reason


@dataclass(frozen=True)
class HeldBy:
    """A hold of a campaign."""

    name: str
    message: str
    error: str | None
    created_at: datetime


@dataclass(frozen=True)
class CampaignFacts:
    """What is known of a campaign at one moment, without its tasks."""

    id: UUID
    slug: str | None
    name: str
    company_id: UUID
    company: str
    trunk: str
    default_region: str | None
    timezone: str
    status: str
    status_since: datetime | None
    status_message: str | None
    status_error: str | None
    holds: Sequence[HeldBy]
    settings: CampaignSettings
    calls: CallsUnder
    company_calls: CallsUnder
    company_max_concurrent: int | None
    company_attempts_per_day: int | None
    answered: Answered  # of late: what counts for its abandon rate
    trunk_limits: CallLimits | None  # None: the service's file has no such trunk
    trunk_pace: PaceLearned
    trunk_calls: CallsUnder
    worked: bool  # by a service that runs now, or was killed less than a lease ago


@dataclass(frozen=True)
class Gates:
    """What hinders every contact of a campaign, and how many calls may begin where nothing does."""

    hindrances: tuple[Hindrance, ...]
    room: int


def gates(campaign: CampaignFacts, now: datetime) -> Gates:
    """All that stands between this campaign and its next call at `now`."""
    if campaign.status in (Status.COMPLETED, Status.FAILED):
        return Gates((_ended(campaign),), 0)
    found = [*_status(campaign), *_schedule(campaign.settings, now)]
    if campaign.trunk_limits is None:
        found.append(Hindrance(Reason.NO_TRUNK, f"its trunk {campaign.trunk} is not in the service's file"))
    if not campaign.worked and campaign.status != Status.DRAFT:
        found.append(Hindrance(Reason.NO_SERVICE, "no running service works the campaign"))
    limits = _limits(campaign, now)
    found += reached(limits, now)
    return Gates(tuple(found), min(CLAIM_MOST, room(limits, now)))


def _ended(campaign: CampaignFacts) -> Hindrance:
    if campaign.status == Status.COMPLETED:
        return Hindrance(Reason.CAMPAIGN_COMPLETED, "the campaign is completed", since=campaign.status_since)
    said = ": ".join(text for text in (campaign.status_message, campaign.status_error) if text)
    text = f"the campaign has failed: {said}" if said else "the campaign has failed"
    return Hindrance(Reason.CAMPAIGN_FAILED, text, since=campaign.status_since)


def _status(campaign: CampaignFacts) -> list[Hindrance]:
    found = []
    if campaign.status == Status.DRAFT:
        found.append(Hindrance(Reason.CAMPAIGN_DRAFT, "the campaign is a draft: it has not been started"))
    if campaign.holds and campaign.status != Status.RUNNING:
        said = "; ".join(_said(hold) for hold in campaign.holds)
        since = min(hold.created_at for hold in campaign.holds)
        found.append(Hindrance(Reason.HELD, f"the campaign is held by {said}", since=since))
    elif campaign.status == Status.PAUSED:
        text = f"the campaign is paused: {campaign.status_message or 'no hold says why'}"
        found.append(Hindrance(Reason.HELD, text, since=campaign.status_since))
    return found


def _said(hold: HeldBy) -> str:
    return f"{hold.name} ({': '.join(text for text in (hold.message, hold.error) if text)})"


def _schedule(settings: CampaignSettings, now: datetime) -> list[Hindrance]:
    start, end = settings.schedule.start_time, settings.schedule.end_time
    opening = Schedule(settings.schedule).next_opening(now)
    if opening is None:
        if end is None:
            return [Hindrance(Reason.TIME_OVER, "its days and holidays leave the campaign no minute to call")]
        if now < end:
            return [Hindrance(Reason.TIME_OVER, "the campaign's time ends before its window opens again")]
        return [Hindrance(Reason.TIME_OVER, "the campaign's time is over", since=end)]
    if start is not None and now < start:
        return [Hindrance(Reason.NOT_BEGUN, "the campaign's time has not begun", until=opening)]
    if opening > now:
        return [Hindrance(Reason.WINDOW_CLOSED, "the campaign's window is closed", until=opening)]
    return []


def _limits(campaign: CampaignFacts, now: datetime) -> list[Limit]:
    own, trunk = campaign.settings.limits, Pace(campaign.trunk_limits or CallLimits(), campaign.trunk_pace)
    company = CallLimits(concurrent=campaign.company_max_concurrent)
    return [
        *limits_of("its company's", company, campaign.company_calls, COMPANY),
        *_slowed_down(campaign, now),
        *limits_of(
            "the campaign's", CallLimits(own.max_concurrent_calls, own.calls_per_minute), campaign.calls, CAMPAIGN
        ),
        *limits_of(
            f"trunk {campaign.trunk}'s", trunk.limits(now), campaign.trunk_calls, TRUNK, configured=trunk.configured
        ),
    ]


def _slowed_down(campaign: CampaignFacts, now: datetime) -> list[Limit]:
    own = campaign.settings.limits
    rule = Abandonment(own.max_abandon_rate, campaign.answered)
    most = rule.slowed_to(own.max_concurrent_calls, now)
    if most is None:
        return []
    calls = "one call" if most == 1 else f"{most} calls"
    allows = f"max_abandon_rate {own.max_abandon_rate:.1%}"
    text = f"the campaign is slowed down to {calls} at once: {rule.why(now)} ({allows})"
    return [limit_of(Reason.SLOWED_DOWN, text, CallLimits(concurrent=most), campaign.calls)]
