"""The list of what is reported of a campaign, or of several together, in the order in which it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from actors.outcomes import Outcome
from supervisor.report.report import Figures
from supervisor.report.rows import Kind

_ANSWERED = (Outcome.ANSWERED, Outcome.VOICEMAIL, Outcome.AGENT_FAILED)


@dataclass(frozen=True)
class Measure:
    """One line of a report."""

    title: str
    kind: Kind
    value: int | float | Decimal | str | None  # None: there is nothing to measure yet
    unit: str = ""


def measures(figures: Figures) -> list[Measure]:
    """All of them."""
    tasks, analytics, cost = figures.tasks, figures.analytics, figures.cost
    currency = cost.currency or ""
    return [
        Measure("Contacts", Kind.INTEGER, tasks.total),
        Measure("Still to call", Kind.INTEGER, tasks.total - tasks.settled),
        Measure("Completed", Kind.INTEGER, tasks.completed),
        Measure("Failed", Kind.INTEGER, tasks.failed),
        Measure("Success rate", Kind.SHARE, figures.success_rate),
        Measure("Calls ended", Kind.INTEGER, figures.calls_ended),
        Measure("Contacts reached", Kind.INTEGER, analytics.contacts_reached),
        Measure("Attempts per contact reached", Kind.RATIO, analytics.attempts_per_contact_reached),
        Measure("Average duration", Kind.SECONDS, analytics.average_duration_s, "s"),
        Measure("95 % of calls within", Kind.SECONDS, analytics.p95_duration_s, "s"),
        Measure("Average ring time", Kind.SECONDS, analytics.average_ring_time_s, "s"),
        Measure("95 % answer within", Kind.SECONDS, analytics.p95_ring_time_s, "s"),
        Measure("Average time to agent", Kind.SECONDS, analytics.average_time_to_agent_s, "s"),
        Measure("95 % have an agent within", Kind.SECONDS, analytics.p95_time_to_agent_s, "s"),
        Measure("Abandoned of those who answered", Kind.SHARE, _abandoned(figures)),
        _total_cost(figures),
        Measure("Cost per call", Kind.MONEY, cost.per_call, currency),
        Measure("Cost per success", Kind.MONEY, cost.per_success, currency),
    ]


def _abandoned(figures: Figures) -> float | None:
    """The share of answered calls that no agent joined; product.md calls them abandoned."""
    answered = sum(figures.calls_by_outcome.get(outcome, 0) for outcome in _ANSWERED)
    return figures.calls_by_outcome.get(Outcome.AGENT_FAILED, 0) / answered if answered else None


def _total_cost(figures: Figures) -> Measure:
    cost = figures.cost
    if len(cost.amounts) <= 1:
        return Measure("Cost", Kind.MONEY, cost.amount, cost.currency or "")
    mixed = " + ".join(f"{amount:.2f} {currency}" for currency, amount in cost.amounts.items())
    return Measure("Cost", Kind.TEXT, mixed)
