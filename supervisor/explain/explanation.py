"""The explanation of one contact, exact, and of a whole campaign, counted. Both judge by the same rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from actors.errors import CampaignValidationError
from actors.limiter import CallLimits
from actors.numbers import NumberError, normalise
from supervisor.explain import facts
from supervisor.explain.contact import ContactRules, TaskFacts
from supervisor.explain.facts import Kind
from supervisor.explain.gates import CampaignFacts, Gates, gates
from supervisor.explain.reasons import Hindrance, Reason, in_order, is_about_room
from supervisor.report.report import snapshot

_NOTHING = Hindrance(Reason.NOTHING, "nothing hinders it: it may be called now")


@dataclass(frozen=True)
class TaskExplanation:
    """Why one contact has not been called yet."""

    campaign: CampaignFacts
    now: datetime
    task: TaskFacts
    hindrances: tuple[Hindrance, ...]  # all there are, the one that matters first; never empty
    not_before: datetime | None  # what the schedule and its own waiting allow at the earliest; None: never, or settled


@dataclass(frozen=True)
class Count:
    """Contacts that have the same first reason."""

    reason: Reason
    text: str
    tasks: int
    since: datetime | None  # the earliest
    until_first: datetime | None  # when the first of them is rid of it
    until_last: datetime | None
    example: UUID
    example_number: str = ""


@dataclass(frozen=True)
class CampaignExplanation:
    """Why each contact of a campaign has not been called yet, counted; each in exactly one count."""

    campaign: CampaignFacts
    now: datetime
    counts: tuple[Count, ...]  # by precedence

    @property
    def total(self) -> int:
        """All tasks of the campaign."""
        return sum(count.tasks for count in self.counts)


def explain_task(
    connection: Connection,
    campaign_id: UUID,
    trunks: Mapping[str, CallLimits],
    now: datetime,
    *,
    task: UUID | None = None,
    number: str | None = None,
) -> TaskExplanation:
    """Everything that keeps this contact from being called at `now`; `number` as a person writes it.

    Raises CampaignNotFoundError, and CampaignValidationError when the campaign has no such contact.
    """
    with snapshot(connection):
        campaign = facts.read_campaign(connection, campaign_id, trunks, now)
        found = _find(connection, campaign, now, task, number)
        rules = ContactRules(campaign.settings, now)
        of_campaign = gates(campaign, now)
        hindrances = _all(rules.hindrances(found), of_campaign)
        if all(map(is_about_room, hindrances)):
            # Only now does its turn matter.
            ahead = sum(
                kind.tasks
                for kind in facts.read_kinds(connection, campaign, now, before=found.id)
                if not rules.hindrances(kind.facts)
            )
            hindrances = hindrances + _turn(ahead, of_campaign)
    return TaskExplanation(campaign, now, found, tuple(hindrances or [_NOTHING]), rules.not_before(found))


def explain_campaign(
    connection: Connection, campaign_id: UUID, trunks: Mapping[str, CallLimits], now: datetime
) -> CampaignExplanation:
    """The first reason of every contact at `now`, counted. Raises CampaignNotFoundError."""
    with snapshot(connection):
        campaign = facts.read_campaign(connection, campaign_id, trunks, now)
        kinds = facts.read_kinds(connection, campaign, now)
        counts = _counts(kinds, ContactRules(campaign.settings, now), gates(campaign, now))
        numbers = facts.read_numbers(connection, [count.example for count in counts])
    named = (replace(count, example_number=numbers[count.example]) for count in counts)
    return CampaignExplanation(campaign, now, tuple(named))


def _find(
    connection: Connection, campaign: CampaignFacts, now: datetime, task: UUID | None, number: str | None
) -> TaskFacts:
    e164 = None
    if number is not None:
        try:
            e164 = normalise(number, campaign.default_region)
        except NumberError as error:
            raise CampaignValidationError(str(error)) from error
    found = facts.read_task(connection, campaign, now, task=task, number=e164)
    if found is not None:
        return found
    if e164 is None:
        raise CampaignValidationError(f"{campaign.name} has no task {task}")
    why = ": it is on do-not-call, so that no import takes it" if facts.is_forbidden(connection, campaign, e164) else ""
    raise CampaignValidationError(f"{campaign.name} has no contact with the number {e164}{why}")


def _all(own: list[Hindrance], of_campaign: Gates) -> list[Hindrance]:
    """A contact that is settled or being called is hindered by nothing else any more."""
    if own and own[0].reason in (Reason.COMPLETED, Reason.FAILED, Reason.IN_PROGRESS):
        return own
    return in_order([*own, *of_campaign.hindrances])


def _turn(ahead: int, of_campaign: Gates) -> list[Hindrance]:
    if not ahead or ahead < of_campaign.room:
        return []
    tasks = "1 contact" if ahead == 1 else f"{ahead:,} contacts"
    return [Hindrance(Reason.BEHIND, f"its turn is after {tasks} with higher priority or older")]


def _counts(kinds: Iterable[Kind], rules: ContactRules, of_campaign: Gates) -> list[Count]:
    counts: dict[tuple[Reason, str], tuple[int, Count]] = {}  # with the place of the example
    callable_now: list[Kind] = []
    for kind in kinds:
        hindrances = _all(rules.hindrances(kind.facts), of_campaign)
        if hindrances:
            _add(counts, hindrances[0], kind.tasks, kind.facts.id, kind.first_place)
        else:
            callable_now.append(kind)
    if callable_now:
        tasks = sum(kind.tasks for kind in callable_now)
        first = min(callable_now, key=lambda kind: kind.first_place)
        last = max(callable_now, key=lambda kind: kind.last_place)
        now = min(tasks, of_campaign.room)
        _add(counts, replace(_NOTHING, text="nothing hinders them: they may be called now"), now, first.facts.id, 0)
        if tasks > now:
            behind = Hindrance(Reason.BEHIND, "their turn is after others with higher priority or older")
            _add(counts, behind, tasks - now, last.last_id, 0)
    order = in_order(Hindrance(c.reason, c.text, until=c.until_last) for _, c in counts.values())
    return [counts[hindrance.reason, hindrance.text][1] for hindrance in order]


def _add(
    counts: dict[tuple[Reason, str], tuple[int, Count]], why: Hindrance, tasks: int, example: UUID, place: int
) -> None:
    key = why.reason, why.text
    one = Count(why.reason, why.text, tasks, why.since, why.until, why.until, example)
    known = counts.get(key)
    counts[key] = (place, one) if known is None else _together(known, (place, one))


def _together(known: tuple[int, Count], more: tuple[int, Count]) -> tuple[int, Count]:
    place, one = known
    other = more[1]
    return min(place, more[0]), replace(
        one,
        tasks=one.tasks + other.tasks,
        since=min(filter(None, (one.since, other.since)), default=None),
        until_first=min(filter(None, (one.until_first, other.until_first)), default=None),
        until_last=max(filter(None, (one.until_last, other.until_last)), default=None),
        example=one.example if place <= more[0] else other.example,
    )
