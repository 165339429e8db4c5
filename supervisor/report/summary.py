"""A campaign in numbers, and the one JSON shape of it (operations.md, "Command line")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from actors.outcomes import Outcome
from actors.statements import statement
from supervisor.report.cost import Cost, read_amounts

_sql = partial(statement, __package__)


@dataclass(frozen=True)
class Tasks:
    """A campaign's call tasks by status, counted over call_tasks itself."""

    total: int
    pending: int
    in_progress: int
    retry: int
    completed: int
    failed: int

    @property
    def settled(self) -> int:
        return self.completed + self.failed

    @property
    def success_rate(self) -> float | None:
        """Completed among settled tasks, 0 to 1; None while none is settled."""
        return round(self.completed / self.settled, 4) if self.settled else None


@dataclass(frozen=True)
class CampaignSummary:
    """A campaign's state and results at one moment."""

    id: UUID
    slug: str | None  # None when it was not made from a file
    name: str
    company: str  # the company's slug
    timezone: str
    status: str
    status_message: str | None
    status_error: str | None
    holds: tuple[str, ...]  # oldest first
    tasks: Tasks
    calls_ended: int
    calls_in_progress: int
    calls_by_outcome: Mapping[str, int]  # of ended calls; only outcomes that occurred, in the order of Outcome
    average_duration_s: float | None  # of answered calls, from the answer to the end; None without one
    p95_duration_s: float | None
    cost: Cost

    @property
    def label(self) -> str:
        """What a person calls it on the command line."""
        return self.slug or str(self.id)

    @property
    def success_rate(self) -> float | None:
        return self.tasks.success_rate


def read_summaries(
    connection: psycopg.Connection[Any],
    *,
    campaign_ids: Sequence[UUID] | None = None,
    company: str | None = None,
) -> list[CampaignSummary]:
    """Summaries of these campaigns, or of a company's (by its slug), or of all; by company and name. One statement."""
    chosen = {"campaign_ids": None if campaign_ids is None else list(campaign_ids), "company": company}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_sql("summaries"), chosen).fetchall()
    return [_summary(row) for row in rows]


def as_json(summaries: Iterable[CampaignSummary]) -> dict[str, Any]:
    """What `demo --json`, `status --json` and `report --format json` print."""
    return {"campaigns": [campaign_as_json(summary) for summary in summaries]}


def campaign_as_json(summary: CampaignSummary) -> dict[str, Any]:
    """One element of `campaigns`."""
    return {
        "id": str(summary.id),
        "slug": summary.slug,
        "name": summary.name,
        "company": summary.company,
        "status": summary.status,
        "status_message": summary.status_message,
        "status_error": summary.status_error,
        "holds": list(summary.holds),
        "tasks": asdict(summary.tasks),
        "calls": {"total": summary.calls_ended, "by_outcome": dict(summary.calls_by_outcome)},
        "success_rate": summary.success_rate,
        "average_duration_s": summary.average_duration_s,
        "p95_duration_s": summary.p95_duration_s,
        "cost": summary.cost.as_json(),
    }


def in_order(by_outcome: Mapping[str, int]) -> dict[str, int]:
    """The outcomes that occurred, in the order of Outcome."""
    return {outcome.value: by_outcome[outcome.value] for outcome in Outcome if by_outcome.get(outcome.value)}


def _summary(row: dict[str, Any]) -> CampaignSummary:
    tasks = Tasks(
        **{name: row.pop(name) for name in ("total", "pending", "in_progress", "retry", "completed", "failed")}
    )
    row["holds"] = tuple(row["holds"])
    row["calls_by_outcome"] = in_order(row.pop("by_outcome"))
    cost = Cost(read_amounts(row.pop("amounts")), calls=row["calls_ended"], successes=tasks.completed)
    return CampaignSummary(**row, tasks=tasks, cost=cost)
