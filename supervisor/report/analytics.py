"""How calls went (product.md, "Analytics"): what the summary does not already say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from actors.statements import statement
from supervisor.report.cost import Cost, read_amounts

_sql = partial(statement, __package__)


@dataclass(frozen=True)
class HourOfDay:
    """The calls that began in one hour of the day, in their campaign's time zone."""

    hour: int  # 0 to 23
    calls: int
    answered: int
    average_duration_s: float | None
    cost: Cost  # per success: per answered call


@dataclass(frozen=True)
class Analytics:
    """How the ended calls of one campaign, or of several together, went. Times are seconds, None without a call to
    measure."""

    attempts: int = 0  # without those taken back because our own pace was refused
    contacts_reached: int = 0  # contacts with an answered call
    average_duration_s: float | None = None  # of answered calls, from the answer to the end
    p95_duration_s: float | None = None
    average_ring_time_s: float | None = None  # from the dial request to the answer, whoever or whatever answered
    p95_ring_time_s: float | None = None
    average_time_to_agent_s: float | None = None  # from the answer to the agent in the room; 0 if it waited there
    p95_time_to_agent_s: float | None = None
    by_hour: tuple[HourOfDay, ...] = ()  # only hours in which calls began

    @property
    def attempts_per_contact_reached(self) -> float | None:
        """All attempts, those at contacts never reached included, for each contact reached."""
        return round(self.attempts / self.contacts_reached, 4) if self.contacts_reached else None

    def as_json(self) -> dict[str, Any]:
        """The report's key `analytics`."""
        figures = asdict(self)
        del figures["by_hour"]
        return figures | {
            "attempts_per_contact_reached": self.attempts_per_contact_reached,
            "by_hour": [
                {
                    "hour": hour.hour,
                    "calls": hour.calls,
                    "answered": hour.answered,
                    "average_duration_s": hour.average_duration_s,
                    "cost": hour.cost.as_json(),
                }
                for hour in self.by_hour
            ],
        }


def read_analytics(
    connection: psycopg.Connection[Any], campaign_ids: Sequence[UUID]
) -> tuple[dict[UUID, Analytics], Analytics]:
    """Of each campaign, and of all of them together. Two statements: hand it a snapshot for figures of one moment."""
    chosen = {"campaign_ids": list(campaign_ids)}
    hours: defaultdict[UUID | None, list[HourOfDay]] = defaultdict(list)
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_sql("hours"), chosen):
            cost = Cost(read_amounts(row.pop("amounts")), calls=row["calls"], successes=row["answered"])
            hours[row.pop("campaign_id")].append(HourOfDay(**row, cost=cost))
        found: dict[UUID | None, Analytics] = {}
        for row in cursor.execute(_sql("analytics"), chosen):
            campaign_id = row.pop("campaign_id")
            found[campaign_id] = Analytics(**row, by_hour=tuple(hours[campaign_id]))
    together = found.pop(None, Analytics())
    return {id_: found.get(id_, Analytics()) for id_ in campaign_ids}, together
