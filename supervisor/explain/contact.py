"""What hinders one contact by itself, whatever the campaign as a whole may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from actors.campaign.retry import TaskStatus
from actors.campaign.schedule import Places, Schedule
from actors.campaign.settings import CampaignSettings
from actors.number_zones import zones_of
from supervisor.explain.reasons import Hindrance, Reason

_CALL_STATES = {"claimed": "about to be dialed", "dialing": "it rings", "answered": "talking"}


@dataclass(frozen=True)
class TaskFacts:
    """What is known of a task, or of all tasks of one kind; of a kind, what differs between its tasks is None."""

    id: UUID
    phone_number: str | None
    status: str
    outcome: str | None
    error: str | None
    since: datetime | None  # last attempt, or when it was settled; of a kind: the earliest
    waits_until: datetime | None  # it is not looked at before; None: it can be claimed
    forbidden: str | None  # by whose do-not-call list: company or everybody
    forbidden_reason: str | None
    rests_until: datetime | None  # the company has used up its attempts of 24 hours
    attempts: int | None
    max_attempts: int | None  # its own
    call_state: str | None  # of the call in progress


class ContactRules:
    """Judges tasks of one campaign at one instant, by the rules that its actor applies when it claims them."""

    def __init__(self, settings: CampaignSettings, now: datetime) -> None:
        self._settings = settings
        self._now = now
        self._places = Places(settings.schedule)
        self._campaign_opens = self._places.campaign.next_opening(now)
        self._at_place: dict[tuple[str, ...], tuple[datetime | None, Hindrance | None]] = {}

    def hindrances(self, task: TaskFacts) -> list[Hindrance]:
        """In no particular order; none: as far as the contact goes, it may be called now."""
        if task.status not in (TaskStatus.PENDING, TaskStatus.RETRY):
            return [_settled_or_in_progress(task)]
        found = []
        if task.forbidden is not None:
            found.append(_forbidden(task))
        opens, closed = self._place(task)
        if closed is not None:
            found.append(closed)
        if task.rests_until is not None:
            text = "its company's attempts at this number within 24 hours are used up"
            found.append(Hindrance(Reason.ATTEMPTS_PER_DAY, text, until=task.rests_until))
        if task.waits_until is not None:
            if task.status == TaskStatus.RETRY:
                found.append(self._waiting_for_retry(task))
            elif opens is not None and task.waits_until > (self._opening(task, task.rests_until) or self._now):
                text = "put off until then when it was its turn, by a rule that has changed since"
                found.append(Hindrance(Reason.PUT_OFF, text, until=task.waits_until))
        return found

    def not_before(self, task: TaskFacts) -> datetime | None:
        """The first instant at which schedule and waits allow this contact, which is neither settled nor being called,
        to be called; None: never."""
        return self._opening(task, task.waits_until, task.rests_until)

    def _opening(self, task: TaskFacts, *earliest: datetime | None) -> datetime | None:
        return self._places.next_opening(max((self._now, *filter(None, earliest))), self._zones(task))

    def _zones(self, task: TaskFacts) -> tuple[str, ...]:
        if task.phone_number is None or not self._settings.schedule.contact_local_time:
            return ()
        return zones_of(task.phone_number)

    def _place(self, task: TaskFacts) -> tuple[datetime | None, Hindrance | None]:
        """When it is open at the campaign's and the contact's place, and whether the latter is why not now."""
        zones = self._zones(task)
        if zones not in self._at_place:  # thousands of contacts share few sets of zones
            self._at_place[zones] = self._look_at(zones)
        return self._at_place[zones]

    def _look_at(self, zones: tuple[str, ...]) -> tuple[datetime | None, Hindrance | None]:
        first = self._campaign_opens
        opens = self._places.next_opening(self._now, zones)
        if first is None or opens == first:
            return opens, None
        if opens is None:
            text = "the campaign's window is never open at this number's place"
            return None, Hindrance(Reason.NEVER_OPEN, f"{text}: {_named(zones)}", zones=zones)
        schedule = self._settings.schedule
        closed = tuple(zone for zone in zones if not Schedule(schedule, zone).is_open(first))
        text = f"the window is closed at the contact's place: {_named(closed)}"
        return opens, Hindrance(Reason.PLACE_CLOSED, text, until=opens, zones=closed)

    def _waiting_for_retry(self, task: TaskFacts) -> Hindrance:
        after = f"waits for its next attempt, after {task.outcome or 'an attempt without outcome'}"
        if task.attempts is not None:
            most = task.max_attempts or self._settings.retry.max_retries
            after = f"{after} (attempt {task.attempts} of {most})"
        return Hindrance(Reason.WAITING_FOR_RETRY, after, since=task.since, until=task.waits_until)


def _settled_or_in_progress(task: TaskFacts) -> Hindrance:
    how = task.outcome or task.error or "no outcome"
    if task.outcome and task.error:
        how = f"{task.outcome} ({task.error})"
    if task.status == TaskStatus.COMPLETED:
        return Hindrance(Reason.COMPLETED, f"called already: {how}", since=task.since)
    if task.status == TaskStatus.FAILED:
        return Hindrance(Reason.FAILED, f"given up: {how}", since=task.since)
    state = f": {_CALL_STATES[task.call_state]}" if task.call_state in _CALL_STATES else ""
    return Hindrance(Reason.IN_PROGRESS, f"a call is in progress{state}", since=task.since)


def _forbidden(task: TaskFacts) -> Hindrance:
    whose = "everybody's" if task.forbidden == "everybody" else "its company's"
    why = f" ({task.forbidden_reason})" if task.forbidden_reason else ""
    return Hindrance(Reason.DO_NOT_CALL, f"on {whose} do-not-call list{why}")


def _named(zones: tuple[str, ...]) -> str:
    return ", ".join(zones) if len(zones) <= 3 else f"{zones[0]}, {zones[1]} and {len(zones) - 2} zones more"
