"""The explanation of one contact, exact, and of a whole campaign, counted. Both judge by the same rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from actors.errors import CampaignValidationError
from actors.limiter import CallLimits
from actors.numbers import NumberError, normalise
from supervisor.database.snapshot import snapshot
from supervisor.explain import facts
from supervisor.explain.contact import ContactRules, TaskFacts
from supervisor.explain.counting import Count, all_hindrances, count
from supervisor.explain.gates import CampaignFacts, Gates, gates
from supervisor.explain.reasons import NOTHING, Hindrance, Reason, is_about_room, is_final


@dataclass(frozen=True)
class TaskExplanation:
    """Why one contact has not been called yet."""

    campaign: CampaignFacts
    now: datetime
    task: TaskFacts
    hindrances: tuple[Hindrance, ...]  # all there are, the one that matters first; never empty
    not_before: datetime | None  # what the schedule and its own waiting allow at the earliest; None: never, or settled


@dataclass(frozen=True)
class CampaignExplanation:
    """Why each contact of a campaign has not been called yet, counted; each in exactly one count."""

    campaign: CampaignFacts
    now: datetime
    counts: tuple[Count, ...]  # by precedence

    @property
    def total(self) -> int:
        """All tasks of the campaign."""
        return sum(one.tasks for one in self.counts)


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
        hindrances = all_hindrances(rules.hindrances(found), of_campaign)
        if all(map(is_about_room, hindrances)):
            # Only now does its turn matter.
            ahead = sum(
                kind.tasks
                for kind in facts.read_kinds(connection, campaign, now, before=found.id)
                if not rules.hindrances(kind.facts)
            )
            hindrances = hindrances + _turn(ahead, of_campaign)
    not_before = None if any(map(is_final, hindrances)) else rules.not_before(found)
    return TaskExplanation(campaign, now, found, tuple(hindrances or [NOTHING]), not_before)


def explain_campaign(
    connection: Connection, campaign_id: UUID, trunks: Mapping[str, CallLimits], now: datetime
) -> CampaignExplanation:
    """The first reason of every contact at `now`, counted. Raises CampaignNotFoundError."""
    with snapshot(connection):
        campaign = facts.read_campaign(connection, campaign_id, trunks, now)
        kinds = facts.read_kinds(connection, campaign, now)
        counts = count(kinds, ContactRules(campaign.settings, now), gates(campaign, now))
        numbers = facts.read_numbers(connection, [one.example for one in counts])
    named = tuple(replace(one, example_number=numbers[one.example]) for one in counts)
    return CampaignExplanation(campaign, now, named)


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


def _turn(ahead: int, of_campaign: Gates) -> list[Hindrance]:
    if not ahead or ahead < of_campaign.room:
        return []
    tasks = "1 contact" if ahead == 1 else f"{ahead:,} contacts"
    return [Hindrance(Reason.BEHIND, f"its turn is after {tasks} with higher priority or older")]
