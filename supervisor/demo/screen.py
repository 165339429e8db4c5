"""What a terminal shows of the demo: how far it is while it runs, and how it went."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from supervisor.demo.run import Ended, Moment
from supervisor.report.bars import Legend, TasksBar, outcomes_chart
from supervisor.report.layout import NOTHING, new_table, plain
from supervisor.report.report import Figures
from supervisor.report.summary import CampaignSummary
from supervisor.report.tables import status_text

_WIDEST_BAR = 60


class Screen:
    """The live view; an Audience. Its lines keep their places: nothing jumps while it runs."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._doing: str | None = None
        self._moment: Moment | None = None

    def tell(self, what: str) -> None:
        self._doing = what

    def show(self, moment: Moment) -> None:
        self._doing, self._moment = None, moment

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        moment, doing = self._moment, self._doing
        yield _head(moment, doing, self._speed)
        if moment is None:
            return
        bar = min(_WIDEST_BAR, max(8, options.max_width - 36))
        yield ""
        yield _campaigns(moment, bar)
        yield Legend()
        outcomes: Counter[str] = Counter()
        for campaign in moment.campaigns:
            outcomes.update(campaign.calls_by_outcome)
        yield ""
        yield Text(f"{outcomes.total()} calls have ended", "bold")
        yield outcomes_chart(outcomes, bar)


def closing(ended: Ended) -> RenderableType:
    """How it went, on one page."""
    figures = [*ended.report.figures(), ended.report.total()]
    return Group(
        _sentences(ended),
        "",
        _table(figures, ended),
        "",
        Text(f"How the {figures[-1].calls_ended} calls ended", "bold"),
        outcomes_chart(figures[-1].calls_by_outcome, 40),
    )


def _head(moment: Moment | None, doing: str | None, speed: float) -> Text:
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append("campaignd demo", "bold")
    if moment is not None:
        head.append(f"   {moment.now:%A} {moment.now.day} {moment.now:%B %Y} ").append(f"{moment.now:%H:%M:%S}", "bold")
        head.append(f" UTC   {speed:g} × real time", "dim")
    if doing is not None:
        head.append(f"   {doing} …", "yellow")
    return head


def _campaigns(moment: Moment, bar: int) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, max_width=24)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    for campaign in moment.campaigns:
        tasks = campaign.tasks
        table.add_row(plain(campaign.name, "bold"), TasksBar(tasks, bar), f"{tasks.settled}/{tasks.total}")
        table.add_row(_local_time(campaign, moment.now), _doing(campaign, moment))
    return table


def _local_time(campaign: CampaignSummary, now: datetime) -> Text:
    return Text(f"{now.astimezone(ZoneInfo(campaign.timezone)):%H:%M} {_place(campaign.timezone)}", "dim")


def _place(timezone: str) -> str:
    """`Europe/Berlin` → `Berlin`."""
    return timezone.rpartition("/")[2].replace("_", " ")


def _doing(campaign: CampaignSummary, moment: Moment) -> Text:
    opens = moment.opens.get(campaign.label)
    if campaign.status != "running":
        return status_text(campaign.status).append(f" {campaign.status_message}" if campaign.status_message else "")
    if opens is not None and not campaign.calls_in_progress:
        return Text(f"waits until {opens.astimezone(ZoneInfo(campaign.timezone)):%H:%M}", "yellow")
    again = f", {campaign.tasks.retry} to try again" if campaign.tasks.retry else ""
    return Text(f"{campaign.tasks.in_progress} on the phone{again}", "dim")


def _sentences(ended: Ended) -> Text:
    total, campaigns = ended.report.total(), ended.report.campaigns
    completed = sum(campaign.summary.status == "completed" for campaign in campaigns)
    attempts = total.analytics.attempts_per_contact_reached
    said = Text()
    said.append(f"{completed} of {len(campaigns)} campaigns completed, ")
    said.append(f"{total.analytics.contacts_reached} of {total.tasks.total} contacts reached", "bold green")
    said.append(f", {attempts:.2f} attempts for each.\n" if attempts is not None else ".\n")
    return said.append(f"{_length(ended.demo_time)} of calling took {ended.real_s:.1f} s here.")


def _length(time: timedelta) -> str:
    minutes = max(round(time.total_seconds() / 60), 1)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _table(figures: list[Figures], ended: Ended) -> Table:
    statuses = {campaign.summary.id: campaign.summary.status for campaign in ended.report.campaigns}
    table = new_table()
    table.add_column("Campaign", no_wrap=True, max_width=32)
    for title in ("Contacts", "Reached", "Calls", "Attempts", "Talk", "95 %"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in figures:
        name = plain(one.title, "" if one.id else "bold")
        if one.id is not None and statuses[one.id] != "completed":
            name.append(" ").append_text(status_text(statuses[one.id]))
        table.add_row(
            name,
            str(one.tasks.total),
            str(one.analytics.contacts_reached),
            str(one.calls_ended),
            _or_nothing(one.analytics.attempts_per_contact_reached, "{:.2f}"),
            _or_nothing(one.analytics.average_duration_s, "{:.0f} s"),
            _or_nothing(one.analytics.p95_duration_s, "{:.0f} s"),
        )
    return table


def _or_nothing(value: float | None, form: str) -> str:
    return NOTHING if value is None else form.format(value)
