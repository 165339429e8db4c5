"""The report: campaigns with all their figures, and what they add up to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from supervisor.report.analytics import Analytics, read_analytics
from supervisor.report.cost import Cost
from supervisor.report.summary import CampaignSummary, Tasks, campaign_as_json, in_order, read_summaries


@dataclass(frozen=True)
class CampaignReport:
    """A campaign with all its figures."""

    summary: CampaignSummary
    analytics: Analytics


@dataclass(frozen=True)
class Figures:
    """What is reported of one campaign, or of several together."""

    id: UUID | None  # None: several
    title: str
    tasks: Tasks
    calls_ended: int
    calls_by_outcome: dict[str, int]
    cost: Cost
    analytics: Analytics
    timezone: str | None  # None: of several zones

    @property
    def success_rate(self) -> float | None:
        return self.tasks.success_rate


@dataclass(frozen=True)
class Report:
    """Campaigns by company and name, and all of them together."""

    campaigns: tuple[CampaignReport, ...]
    together: Analytics

    @property
    def campaign_ids(self) -> list[UUID]:
        return [campaign.summary.id for campaign in self.campaigns]

    def figures(self) -> list[Figures]:
        """A campaign's, each."""
        return [_figures_of(campaign) for campaign in self.campaigns]

    def total(self) -> Figures:
        """Of all campaigns together."""
        summaries = [campaign.summary for campaign in self.campaigns]
        tasks = Tasks(*(sum(getattr(summary.tasks, field.name) for summary in summaries) for field in fields(Tasks)))
        outcomes: Counter[str] = Counter()
        amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
        for summary in summaries:
            outcomes.update(summary.calls_by_outcome)
            for currency, amount in summary.cost.amounts.items():
                amounts[currency] += amount
        calls = outcomes.total()
        zones = {summary.timezone for summary in summaries}
        return Figures(
            id=None,
            title="All campaigns",
            tasks=tasks,
            calls_ended=calls,
            calls_by_outcome=in_order(outcomes),
            cost=Cost({currency: amounts[currency] for currency in sorted(amounts)}, calls, tasks.completed),
            analytics=self.together,
            timezone=zones.pop() if len(zones) == 1 else None,
        )

    def as_json(self, company: str | None = None) -> dict[str, Any]:
        """The shape of `status --json` with a key `analytics` for each campaign; with `company`, whose report it is,
        also the key `company` with what its campaigns add up to."""
        written: dict[str, Any] = {
            "campaigns": [
                campaign_as_json(campaign.summary) | {"analytics": campaign.analytics.as_json()}
                for campaign in self.campaigns
            ]
        }
        if company is not None:
            written["company"] = {"slug": company} | _total_as_json(self.total())
        return written


def read_report(
    connection: psycopg.Connection[Any],
    *,
    campaign_ids: Sequence[UUID] | None = None,
    company: str | None = None,
) -> Report:
    """The report of these campaigns, or of a company's, or of all. Hand it a snapshot for figures of one moment."""
    summaries = read_summaries(connection, campaign_ids=campaign_ids, company=company)
    analytics, together = read_analytics(connection, [summary.id for summary in summaries])
    return Report(tuple(CampaignReport(summary, analytics[summary.id]) for summary in summaries), together)


def _figures_of(campaign: CampaignReport) -> Figures:
    summary = campaign.summary
    return Figures(
        id=summary.id,
        title=summary.name,
        tasks=summary.tasks,
        calls_ended=summary.calls_ended,
        calls_by_outcome=dict(summary.calls_by_outcome),
        cost=summary.cost,
        analytics=campaign.analytics,
        timezone=summary.timezone,
    )


def _total_as_json(total: Figures) -> dict[str, Any]:
    return {
        "tasks": asdict(total.tasks),
        "calls": {"total": total.calls_ended, "by_outcome": total.calls_by_outcome},
        "success_rate": total.success_rate,
        "average_duration_s": total.analytics.average_duration_s,
        "p95_duration_s": total.analytics.p95_duration_s,
        "cost": total.cost.as_json(),
        "analytics": total.analytics.as_json(),
    }
