"""From kinds of tasks to how many contacts have which first reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from supervisor.explain.contact import ContactRules, TaskFacts
from supervisor.explain.gates import Gates
from supervisor.explain.reasons import NOTHING, Hindrance, Reason, in_order, is_final

_PAST_HINDERING = (Reason.COMPLETED, Reason.FAILED, Reason.IN_PROGRESS)


@dataclass(frozen=True)
class Kind:
    """Tasks that differ in nothing that matters, and where they stand in the order of claiming."""

    facts: TaskFacts  # with the id of the first
    tasks: int
    first_place: int
    last_place: int
    last_id: UUID


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


def all_hindrances(own: list[Hindrance], of_campaign: Gates) -> list[Hindrance]:
    """A contact's and its campaign's, by precedence. Whoever is settled or being called is hindered by nothing more;
    beside a final one only final ones are told."""
    if own and own[0].reason in _PAST_HINDERING:
        return own
    every = in_order([*own, *of_campaign.hindrances])
    return [hindrance for hindrance in every if is_final(hindrance)] or every


def count(kinds: Iterable[Kind], rules: ContactRules, of_campaign: Gates) -> list[Count]:
    """Every task in exactly one count, by the first of its reasons. Of those that nothing hinders, as many as the
    limits have room for may be called now; the others' turn comes after them."""
    tallies: dict[tuple[Reason, str], _Tally] = {}
    free: list[Kind] = []
    for kind in kinds:
        hindrances = all_hindrances(rules.hindrances(kind.facts), of_campaign)
        if not hindrances:
            free.append(kind)
            continue
        key = hindrances[0].reason, hindrances[0].text
        if key not in tallies:
            tallies[key] = _Tally(hindrances[0])
        tallies[key].add(hindrances[0], kind)
    counts = [tally.result() for tally in tallies.values()]
    by_text = {(one.reason, one.text): one for one in counts}
    order = in_order(Hindrance(one.reason, one.text, until=one.until_last) for one in counts)
    return [by_text[hindrance.reason, hindrance.text] for hindrance in order] + _free(free, of_campaign.room)


class _Tally:
    """Adds up kinds of one reason."""

    def __init__(self, why: Hindrance) -> None:
        self._why = why
        self._tasks = 0
        self._since: set[datetime] = set()
        self._until: set[datetime] = set()
        self._example: tuple[int, UUID] | None = None

    def add(self, why: Hindrance, kind: Kind) -> None:
        self._tasks += kind.tasks
        if why.since is not None:
            self._since.add(why.since)
        if why.until is not None:
            self._until.add(why.until)
        if self._example is None or kind.first_place < self._example[0]:
            self._example = kind.first_place, kind.facts.id

    def result(self) -> Count:
        assert self._example is not None  # made for a kind, which is added at once
        return Count(
            self._why.reason,
            self._why.text,
            self._tasks,
            since=min(self._since, default=None),
            until_first=min(self._until, default=None),
            until_last=max(self._until, default=None),
            example=self._example[1],
        )


def _free(kinds: list[Kind], room: int) -> list[Count]:
    if not kinds:
        return []
    tasks = sum(kind.tasks for kind in kinds)
    now = min(tasks, room)
    first = min(kinds, key=lambda kind: kind.first_place)
    found = [Count(NOTHING.reason, NOTHING.text, now, None, None, None, first.facts.id)]
    if tasks > now:
        last = max(kinds, key=lambda kind: kind.last_place)
        text = "its turn is after others with higher priority or older"
        found.insert(0, Count(Reason.BEHIND, text, tasks - now, None, None, None, last.last_id))
    return found
