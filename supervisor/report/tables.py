"""What every campaign is doing, as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from supervisor.report.layout import NOTHING, Layouts, new_table, plain
from supervisor.report.summary import CampaignSummary, Tasks

_STATUS_STYLES = {"draft": "dim", "running": "green", "paused": "yellow", "completed": "blue", "failed": "bold red"}


def summary_table(summaries: Sequence[CampaignSummary]) -> RenderableType:
    """What every campaign is doing: a row for each, or a few lines for each where a row would not fit."""
    if not summaries:
        return Text("No campaigns.")
    return Layouts(((140, _full(summaries)), (76, _compact(summaries)), (0, _stacked(summaries))))


def status_text(status: str) -> Text:
    """A status in its colour."""
    return Text(status, style=_STATUS_STYLES.get(status, ""))


def outcomes_line(by_outcome: Mapping[str, int]) -> str:
    """`answered 30, busy 4`, the most frequent first."""
    by_count = sorted(by_outcome.items(), key=lambda item: -item[1])
    return ", ".join(f"{outcome} {count}" for outcome, count in by_count) or NOTHING


def _full(summaries: Sequence[CampaignSummary]) -> Table:
    several_companies = len({summary.company for summary in summaries}) > 1
    table = new_table()
    table.add_column("Campaign", no_wrap=True)
    table.add_column("Name", min_width=12)
    if several_companies:
        table.add_column("Company", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    for title in ("Tasks", "Pending", "Calling", "Retry", "Completed", "Failed"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("Calls ended")
    table.add_column("Message", min_width=12)
    for summary in summaries:
        tasks = summary.tasks
        counts = (tasks.total, tasks.pending, summary.calls_in_progress, tasks.retry, tasks.completed, tasks.failed)
        table.add_row(
            plain(summary.label, "bold"),
            plain(summary.name),
            *([plain(summary.company)] if several_companies else []),
            status_text(summary.status),
            *(str(count) for count in counts),
            outcomes_line(summary.calls_by_outcome),
            plain(_message(summary) or NOTHING),
        )
    return table


def _compact(summaries: Sequence[CampaignSummary]) -> Table:
    table = new_table()
    table.add_column("Campaign", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    for title in ("Done", "Calling", "Retry"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("Calls ended", min_width=24)
    for summary in summaries:
        said = Text(outcomes_line(summary.calls_by_outcome))
        if message := _message(summary):
            said.append("\n").append_text(plain(message, "yellow"))
        table.add_row(
            plain(summary.label, "bold"),
            status_text(summary.status),
            f"{summary.tasks.settled}/{summary.tasks.total}",
            str(summary.calls_in_progress),
            str(summary.tasks.retry),
            said,
        )
    return table


def _stacked(summaries: Sequence[CampaignSummary]) -> Group:
    blocks: list[RenderableType] = []
    for summary in summaries:
        head = Text.assemble(plain(summary.label, "bold"), " ", status_text(summary.status), overflow="fold")
        lines = [_tasks(summary.tasks), outcomes_line(summary.calls_by_outcome)]
        blocks += [head, *(Padding(Text(line), (0, 0, 0, 2)) for line in lines)]
        if message := _message(summary):
            blocks.append(Padding(plain(message, "yellow"), (0, 0, 0, 2)))
    return Group(*blocks)


def _tasks(tasks: Tasks) -> str:
    counted = (
        ("pending", tasks.pending),
        ("calling", tasks.in_progress),
        ("retry", tasks.retry),
        ("completed", tasks.completed),
        ("failed", tasks.failed),
    )
    parts = ", ".join(f"{count} {what}" for what, count in counted if count)
    return f"{tasks.settled}/{tasks.total} done: {parts}" if parts else "no tasks"


def _message(summary: CampaignSummary) -> str:
    said = ": ".join(text for text in (summary.status_message, summary.status_error) if text)
    held = f"[{', '.join(summary.holds)}]" if summary.holds else ""
    return " ".join(text for text in (said, held) if text)
