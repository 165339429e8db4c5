"""An explanation for people, and as JSON. Times are shown by the wall clock of the campaign's zone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from actors.roster.lifecycle import Status
from supervisor.explain.explanation import CampaignExplanation, TaskExplanation
from supervisor.explain.gates import CampaignFacts
from supervisor.explain.reasons import Hindrance, Reason
from supervisor.report.layout import NOTHING, new_table, plain
from supervisor.report.zones import zone

_SETTLED = (Reason.COMPLETED, Reason.FAILED, Reason.IN_PROGRESS)


def campaign_renderable(explanation: CampaignExplanation) -> RenderableType:
    """A row for each reason."""
    campaign = explanation.campaign
    table = new_table()
    table.add_column("Why not", min_width=20)
    table.add_column("Contacts", justify="right", no_wrap=True)
    for title in ("Since", "Until", "Example"):
        table.add_column(title)
    for count in explanation.counts:
        until = (count.until_first, count.until_last)
        table.add_row(
            plain(count.text),
            f"{count.tasks:,}",
            _time(count.since, campaign),
            " to ".join(dict.fromkeys(_time(time, campaign) for time in until)),
            plain(count.example_number),
        )
    parts: list[RenderableType] = [_head(explanation), ""]
    parts.append(table if explanation.counts else Text("It has no contacts."))
    if campaign.status in (Status.RUNNING, Status.PAUSED) and not campaign.worked:
        parts += ["", Text("No running service works this campaign: nobody is called until one does.", style="yellow")]
    return Group(*parts)


def task_renderable(explanation: TaskExplanation) -> RenderableType:
    """A line for each reason, the one that matters first."""
    campaign, task = explanation.campaign, explanation.task
    first = explanation.hindrances[0]
    lines = [plain(f"{task.phone_number} in {campaign.name}, task {task.id}", "bold")]
    lines += [plain(f"  {_line(hindrance, campaign)}") for hindrance in explanation.hindrances]
    opens = explanation.not_before
    if opens is not None and opens > explanation.now and first.until != opens:
        lines.append(Text(f"  not before {_time(opens, campaign)}"))
    return Group(*lines)


def campaign_as_json(explanation: CampaignExplanation) -> dict[str, Any]:
    """`{"campaign", "now", "worked", "tasks", "reasons": […]}`."""
    return {
        **_head_as_json(explanation),
        "tasks": explanation.total,
        "reasons": [
            {
                "reason": count.reason.value,
                "text": count.text,
                "tasks": count.tasks,
                "since": _iso(count.since),
                "until": _iso(count.until_first),
                "until_last": _iso(count.until_last),
                "example": {"task": str(count.example), "phone_number": count.example_number},
            }
            for count in explanation.counts
        ],
    }


def task_as_json(explanation: TaskExplanation) -> dict[str, Any]:
    """The same with one task in place of the number of tasks; `reasons` holds all of its reasons, in order."""
    task = explanation.task
    return {
        **_head_as_json(explanation),
        "task": {
            "id": str(task.id),
            "phone_number": task.phone_number,
            "status": task.status,
            "attempt_count": task.attempts,
            "outcome": task.outcome,
            "error_message": task.error,
        },
        "reasons": [
            {
                "reason": hindrance.reason.value,
                "text": hindrance.text,
                "since": _iso(hindrance.since),
                "until": _iso(hindrance.until),
                "zones": list(hindrance.zones),
            }
            for hindrance in explanation.hindrances
        ],
        "not_before": _iso(explanation.not_before),
    }


def _head(explanation: CampaignExplanation) -> Text:
    campaign = explanation.campaign
    contacts = f"{explanation.total:,} contacts" if explanation.total != 1 else "1 contact"
    return plain(f"{campaign.name}: {campaign.status}, {contacts}, {_time(explanation.now, campaign)}", "bold")


def _head_as_json(explanation: CampaignExplanation | TaskExplanation) -> dict[str, Any]:
    campaign = explanation.campaign
    return {
        "campaign": {
            "id": str(campaign.id),
            "slug": campaign.slug,
            "name": campaign.name,
            "company": campaign.company,
            "status": campaign.status,
            "timezone": campaign.timezone,
        },
        "now": _iso(explanation.now),
        "worked": campaign.worked,
    }


def _line(hindrance: Hindrance, campaign: CampaignFacts) -> str:
    since = f", since {_time(hindrance.since, campaign)}" if hindrance.since else ""
    if hindrance.reason in _SETTLED:
        since = since.replace("since", "at")
    until = f", until {_time(hindrance.until, campaign)}" if hindrance.until else ""
    return f"{hindrance.text}{since}{until}"


def _time(instant: datetime | None, campaign: CampaignFacts) -> str:
    if instant is None:
        return NOTHING
    return f"{instant.astimezone(zone(campaign.timezone)):%Y-%m-%d %H:%M:%S %Z}"


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
