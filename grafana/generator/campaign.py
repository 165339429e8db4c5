"""Campaign: one campaign, its limits, its people; and, from PostgreSQL, what became of its list."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from grafana.generator.frame import Band, company, data_source, database, frame, one_campaign
from grafana.generator.overview import OUTCOME_COLORS, STATUSES
from grafana.generator.panels import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PER_MINUTE,
    RED,
    YELLOW,
    ledger,
    lines,
    number,
)
from grafana.generator.queries import CAMPAIGNS, Ask, quantile

_OF = f"{{{CAMPAIGNS}}}"


def dashboard() -> Dashboard:
    """The dashboard."""
    description = "One campaign: what it does and why, its limits, how its calls end, what became of its list."
    bands = (_now(), _limits(), _outcomes(), _times(), *_list())
    variables = (data_source(), database(), company(), one_campaign())
    return frame("campaignd-campaign", "campaignd: Campaign", description, variables, bands)


def _now() -> Band:
    status = number(
        "Status",
        "Empty once the campaign is completed, failed or removed; `campaignd status` still shows it.",
        "none",
        Ask(f"max by (status) (campaignd_campaign_status{_OF} == 1)", "{{status}}"),
        names=STATUSES,
        say_name=True,
        no_value="not worked",
    )
    hold = number(
        "Held by",
        "operator: `campaignd resume` lifts it. config: its file says enabled = false, or is gone. breaker: a "
        "service fails; it goes on by itself.",
        "none",
        Ask(f"max by (hold) (campaignd_campaign_hold{_OF} == 1)", "{{hold}}"),
        ((None, ORANGE),),
        say_name=True,
        no_value="nothing",
    )
    window = number(
        "Window",
        "Whether its schedule lets it dial now: hours, days, holidays, start and end.",
        "none",
        Ask(f"max(campaignd_schedule_open{_OF})"),
        names={"0": ("closed", GREY), "1": ("open", GREEN)},
    )
    due = number(
        "Contacts due",
        "Whether there are contacts that could be called now. None while all wait for their next try.",
        "none",
        Ask(f"max(campaignd_work_due{_OF})"),
        names={"0": ("none", GREY), "1": ("yes", GREEN)},
    )
    last = number(
        "Last dial",
        "When its last dial request left, since the service started.",
        "dateTimeFromNow",
        Ask(f"max(campaignd_last_dial_timestamp_seconds{_OF} > 0) * 1000"),
        no_value="none yet",
    )
    done = number(
        "Done",
        "The share of its contacts that is settled: completed or failed.",
        "percentunit",
        Ask(f'sum(campaignd_tasks{{{CAMPAIGNS},status=~"completed|failed"}}) / sum(campaignd_tasks{_OF})'),
        graph=True,
    )
    success = number(
        "Reached",
        "Of the contacts that are settled, the share that was reached.",
        "percentunit",
        Ask(
            f'sum(campaignd_tasks{{{CAMPAIGNS},status="completed"}})'
            f' / sum(campaignd_tasks{{{CAMPAIGNS},status=~"completed|failed"}})'
        ),
        graph=True,
        no_value="none settled",
    )
    left = number(
        "Contacts left",
        "Pending, in progress, or waiting for their next try.",
        "short",
        Ask(f'sum(campaignd_tasks{{{CAMPAIGNS},status=~"pending|in_progress|retry"}})'),
        graph=True,
    )
    return Band("Now", 4, tuple((3, figure) for figure in (status, hold, window, due, last, done, success, left)))


def _limits() -> Band:
    at_once = _against("Calls at once", "Calls in progress, and max_concurrent_calls.", "concurrent")
    per_minute = _against("Calls begun within 60 s", "And calls_per_minute.", "minute")
    trunk = lines(
        "Waiting for the trunk",
        "Calls that it could begin and for which its trunk has no room.",
        "short",
        Ask(f"sum(campaignd_permits_wanted{_OF})", "waiting"),
    )
    full = lines(
        "Its trunk: how full",
        "The fuller limit of the trunk that it dials through, all campaigns together.",
        "percentunit",
        Ask(f"max(campaign:campaignd_trunk_utilisation:max{_OF})", "full"),
    )
    return Band("Limits", 8, ((7, at_once), (7, per_minute), (5, trunk), (5, full)))


def _outcomes() -> Band:
    ended = lines(
        "Calls ended, by outcome",
        "Per minute. Red and orange ones say something of services, the others of people and numbers.",
        PER_MINUTE,
        Ask(f"60 * sum by (outcome) (campaign:campaignd_calls_ended:rate5m{_OF})", "{{outcome}}"),
        stacked=True,
        colors=OUTCOME_COLORS,
    )
    abandoned = lines(
        "Abandoned calls",
        "The share of the latest answered calls (a day's, a thousand at most) that no agent joined in time, and its "
        "limit. From half of the limit on the campaign slows down; at the limit it places one call at a time.",
        "percentunit",
        Ask(f"max(campaignd_abandon_ratio{_OF})", "no agent"),
        Ask(f"max(campaignd_abandon_limit_ratio{_OF})", "limit"),
        colors={"no agent": BLUE, "limit": RED},
        dashed=("limit",),
    )
    contacts = lines(
        "Contacts, by status",
        "Retry: tried, and to be tried again.",
        "short",
        Ask(f"sum by (status) (campaignd_tasks{_OF})", "{{status}}"),
        stacked=True,
        colors={"completed": GREEN, "failed": RED, "in_progress": YELLOW, "retry": ORANGE, "pending": BLUE},
    )
    return Band("Outcomes", 8, ((10, ended), (7, abandoned), (7, contacts)))


def _times() -> Band:
    answer = _spread("Time to answer", "From the dial request to the answer.", "campaignd_time_to_answer_seconds")
    agent = _spread(
        "Time to agent", "How long people who answered waited for the agent.", "campaignd_time_to_agent_seconds"
    )
    talk = _spread("Call duration", "From the answer to the end of the call.", "campaignd_call_duration_seconds")
    slot = _spread(
        "Freed slot to next dial",
        "From the end of a call to the next dial request in its place. Milliseconds, unless a limit per minute, the "
        "trunk or a slow database keeps it.",
        "campaignd_slot_to_dial_seconds",
    )
    return Band("Times", 7, ((6, answer), (6, agent), (6, talk), (6, slot)))


def _list() -> tuple[Band, Band]:
    hours = ledger(
        "Outcomes by hour",
        "Calls that ended within the time range, by hour of the campaign's time zone.",
        "outcomes_by_hour",
        {"answered %": "percentunit"},
    )
    attempts = ledger(
        "Attempts per contact",
        "For each number of attempts: how many contacts have had so many, and what became of them. All of the "
        "campaign, whatever the time range.",
        "attempts_per_contact",
        {"reached %": "percentunit"},
    )
    summary = ledger(
        "Summary",
        "All of the campaign, whatever the time range. Cost from receipts: estimates, until a provider's are imported.",
        "summary",
        {"reached %": "percentunit", "average call": "s", "95 % of calls within": "s"},
    )
    errors = ledger(
        "Why calls failed",
        "What was told of calls that ended within the time range, most frequent first.",
        "errors",
        {"last": "dateTimeAsIso"},
    )
    history = ledger("Changes of status", "And why: the latest first.", "status_history", {"at": "dateTimeAsIso"})
    return (
        Band("From PostgreSQL: its list", 10, ((14, hours), (10, attempts))),
        Band("From PostgreSQL: its course", 9, ((6, summary), (9, errors), (9, history))),
    )


def _spread(title: str, description: str, histogram: str) -> Panel:
    return lines(
        title,
        description,
        "s",
        Ask(quantile(0.5, histogram, _OF), "half within"),
        Ask(quantile(0.95, histogram, _OF), "95 % within"),
        colors={"half within": GREEN, "95 % within": ORANGE},
    )


def _against(title: str, description: str, per: str) -> Panel:
    return lines(
        title,
        f"{description} No limit is drawn where there is none.",
        "short",
        Ask(f'max(campaignd_limit_used_calls{{{CAMPAIGNS},per="{per}"}})', "calls"),
        Ask(f'max(campaignd_limit_calls{{{CAMPAIGNS},per="{per}"}}) < Inf', "limit"),
        colors={"calls": BLUE, "limit": RED},
        dashed=("limit",),
    )
