"""Overview: is it calling, is it reaching people, what is wrong. The first row answers; the rest says where."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.generator.frame import Band, campaigns, company, data_source, frame
from grafana.generator.panels import (
    ANY_IS_WRONG,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PER_MINUTE,
    RED,
    YELLOW,
    Column,
    lines,
    number,
    rows,
)
from grafana.generator.queries import CAMPAIGNS, Ask, quantile

OUTCOME_COLORS = {
    "answered": GREEN,
    "voicemail": "light-green",
    "no_answer": BLUE,
    "busy": "light-blue",
    "rejected": "purple",
    "invalid_number": GREY,
    "rate_limited": YELLOW,
    "agent_failed": RED,
    "trunk_failed": "dark-red",
    "interrupted": ORANGE,
    "error": "dark-orange",
    "cancelled": "semi-dark-purple",
}
STATUSES = {
    "running": ("running", GREEN),
    "paused": ("paused", ORANGE),
    "failed": ("failed", RED),
    "draft": ("draft", GREY),
    "completed": ("completed", BLUE),
}
_TO_CAMPAIGN = (
    "This campaign",
    "/d/campaignd-campaign?${datasource:queryparam}&${__url_time_range}"
    "&var-company=${__data.fields.Company}&var-campaign=${__data.fields.Campaign}",
)
_ALERTS = 'ALERTS{alertname=~"Campaignd.+",alertstate="firing"}'
_BY = "company, campaign"


def dashboard() -> Dashboard:
    """The dashboard."""
    description = "Is it calling, is it reaching people, what is wrong: the first row answers, the rest says where."
    bands = (_answers(), _wrong(), _campaigns(), _calls(), _room())
    variables = (data_source(), company(), campaigns())
    return frame("campaignd-overview", "campaignd: Overview", description, variables, bands)


def _answers() -> Band:
    service = number(
        "Service",
        "UP: every instance is started, and none drains. NOT READY: one starts, or drains before it stops. "
        "DOWN: one does not answer Prometheus. NOT SCRAPED: Prometheus has no job named campaignd.",
        "none",
        Ask('min(campaignd_ready or on (job, instance) up{job="campaignd"} - 1)'),
        names={"-1": ("DOWN", RED), "0": ("NOT READY", ORANGE), "1": ("UP", GREEN)},
        no_value="NOT SCRAPED",
    )
    calling = number(
        "Calls begun",
        "Is it calling? Dial requests sent per minute, over the last 5 minutes. Nothing is well when no window is "
        "open or no contact is due: see Why campaigns do not dial.",
        PER_MINUTE,
        Ask(f"60 * sum(campaign:campaignd_calls_started:rate5m{{{CAMPAIGNS}}})"),
        ((None, ORANGE), (0.01, GREEN)),
        graph=True,
        decimals=1,
    )
    progress = number(
        "Calls in progress",
        "Dialing, ringing or talking now.",
        "short",
        Ask(f"sum(campaignd_calls_in_progress{{{CAMPAIGNS}}})"),
        graph=True,
    )
    reached = number(
        "Answered by people",
        "Is it reaching people? The share of calls that ended within 5 minutes whose callee answered and met the "
        "agent; voicemail is not among them. Red below 5 %: a trunk that fails or a bad list.",
        "percentunit",
        Ask(
            f'sum(campaign:campaignd_calls_ended:rate5m{{{CAMPAIGNS},outcome="answered"}})'
            f" / sum(campaign:campaignd_calls_ended:rate5m{{{CAMPAIGNS}}})"
        ),
        ((None, RED), (0.05, YELLOW), (0.15, GREEN)),
        no_value="no calls",
        graph=True,
        decimals=0,
    )
    abandoned = number(
        "Nobody on the line",
        "The share of people who answered and met no agent, of the limit that their campaign has for it: the worst "
        "campaign. At 100 % that campaign places one call at a time.",
        "percentunit",
        Ask(f"max(campaignd_abandon_ratio{{{CAMPAIGNS}}} / campaignd_abandon_limit_ratio{{{CAMPAIGNS}}})"),
        ((None, GREEN), (0.5, YELLOW), (1, RED)),
        decimals=0,
    )
    alerts = number(
        "Alerts",
        "What is wrong? Alerts that fire now; the table below names them.",
        "short",
        Ask(f"count({_ALERTS}) or vector(0)"),
        ANY_IS_WRONG,
    )
    held = number(
        "Held",
        "Campaigns that a breaker, the configuration or an operator keeps from dialing.",
        "short",
        Ask(f"count(max by ({_BY}) (campaignd_campaign_hold{{{CAMPAIGNS}}}) == 1) or vector(0)"),
        ((None, GREEN), (1, ORANGE)),
    )
    figures = ((4, service), (4, calling), (3, progress), (4, reached), (3, abandoned), (3, alerts), (3, held))
    return Band("Is it calling, is it reaching people, what is wrong", 5, figures)


def _wrong() -> Band:
    alerts = rows(
        "What is wrong",
        "Alerts that fire. What each means, what to look at and what to do stands in its runbook "
        "(grafana/rules/alerts.yml, and every notification carries it).",
        [
            Ask(
                "max by (alertname, severity, company, campaign, service, kind, instance) "
                f"({_ALERTS}) or label_replace(vector(0), "
                '"alertname", "nothing", "", "")'
            )
        ],
        [
            Column("alertname", "Alert"),
            Column("severity", "Severity", names={"critical": ("critical", RED), "warning": ("warning", ORANGE)}),
            Column("company", "Company"),
            Column("campaign", "Campaign", link=_TO_CAMPAIGN),
            Column("service", "Failing service"),
            Column("kind", "Actors"),
            Column("instance", "Instance"),
        ],
        sort_by="Severity",
    )
    waiting = rows(
        "Why campaigns do not dial",
        "Campaigns that would run but for a hold, and those that could dial (contacts due, window open, no hold) and "
        "have not for over a minute. `campaignd explain CAMPAIGN` says the rest.",
        [
            Ask(
                f"max by ({_BY}, hold) (campaignd_campaign_hold{{{CAMPAIGNS}}}) == 1 or label_replace("
                f"max by ({_BY}) (campaign:campaignd_may_dial:bool{{{CAMPAIGNS}}}) == 1"
                f" and max by ({_BY}) (time() - campaignd_last_dial_timestamp_seconds) > 60,"
                ' "hold", "none: could dial", "", "")'
            ),
        ],
        [
            Column("company", "Company"),
            Column("campaign", "Campaign", link=_TO_CAMPAIGN),
            Column("hold", "Hold", names={"none: could dial": ("none: could dial", RED)}),
        ],
        sort_by="Hold",
    )
    return Band("What is wrong", 8, ((14, alerts), (10, waiting)))


def _campaigns() -> Band:
    of = f"{{{CAMPAIGNS}}}"
    every = rows(
        "Campaigns",
        "Every campaign that is worked now. A campaign's name leads to it. Of limit: the fuller of its limits of "
        "calls at once and per minute. No agent: of its limit for it.",
        [
            Ask(f"max by ({_BY}, status) (campaignd_campaign_status{of} == 1)"),
            Ask(f"sum by ({_BY}) (campaignd_calls_in_progress{of})"),
            Ask(f"60 * sum by ({_BY}) (campaign:campaignd_calls_started:rate5m{of})"),
            Ask(
                f'sum by ({_BY}) (campaign:campaignd_calls_ended:rate5m{{{CAMPAIGNS},outcome="answered"}})'
                f" / sum by ({_BY}) (campaign:campaignd_calls_ended:rate5m{of})"
            ),
            Ask(f"max by ({_BY}) (campaign:campaignd_limit_utilisation:max{of})"),
            Ask(f"max by ({_BY}) (campaignd_abandon_ratio{of} / campaignd_abandon_limit_ratio{of})"),
            Ask(f'sum by ({_BY}) (campaignd_tasks{{{CAMPAIGNS},status=~"pending|in_progress|retry"}})'),
            Ask(f"max by ({_BY}) (campaignd_schedule_open{of})"),
            Ask(f"max by ({_BY}) (campaignd_last_dial_timestamp_seconds{of} > 0) * 1000"),
        ],
        [
            Column("company", "Company"),
            Column("campaign", "Campaign", link=_TO_CAMPAIGN),
            Column("status", "Status", names=STATUSES),
            Column("B", "In progress", "short"),
            Column("C", "Begun /min", "short"),
            Column("D", "Answered", "percentunit", steps=((None, RED), (0.05, YELLOW), (0.15, GREEN))),
            Column("E", "Of limit", "percentunit"),
            Column("F", "No agent", "percentunit", steps=((None, GREEN), (0.5, YELLOW), (1, RED))),
            Column("G", "Contacts left", "short"),
            Column("H", "Window", names={"0": ("closed", GREY), "1": ("open", GREEN)}),
            Column("I", "Last dial", "dateTimeFromNow"),
        ],
        sort_by="In progress",
        descending=True,
    )
    return Band("Campaigns", 10, ((24, every),))


def _calls() -> Band:
    outcomes = lines(
        "Calls ended, by outcome",
        "Per minute. Red and orange ones say something of services, the others of people and numbers.",
        PER_MINUTE,
        Ask(f"60 * sum by (outcome) (campaign:campaignd_calls_ended:rate5m{{{CAMPAIGNS}}})", "{{outcome}}"),
        stacked=True,
        colors=OUTCOME_COLORS,
    )
    busiest = lines(
        "Calls begun, by campaign",
        "Per minute: the ten campaigns that call most.",
        PER_MINUTE,
        Ask(
            f"topk(10, 60 * sum by ({_BY}) (campaign:campaignd_calls_started:rate5m{{{CAMPAIGNS}}}))",
            "{{campaign}}",
        ),
    )
    waits = lines(
        "What people wait for",
        "95 % of calls are answered within, and 95 % of those who answered have an agent within.",
        "s",
        Ask(quantile(0.95, "campaignd_time_to_answer_seconds", f"{{{CAMPAIGNS}}}"), "answer"),
        Ask(quantile(0.95, "campaignd_time_to_agent_seconds", f"{{{CAMPAIGNS}}}"), "agent"),
    )
    return Band("Calls", 9, ((10, outcomes), (7, busiest), (7, waits)))


def _room() -> Band:
    trunks = lines(
        "Trunks: how full",
        "Calls of all campaigns against the trunk's limits at once and per minute (as lowered for now when a carrier "
        "refused calls). At 100 % campaigns wait for each other.",
        "percentunit",
        Ask("max by (trunk, per) (trunk:campaignd_trunk_utilisation:ratio)", "{{trunk}} {{per}}"),
    )
    waiting = lines(
        "Waiting for a trunk",
        "Calls that campaigns could begin and for which their trunk has no room.",
        "short",
        Ask(f"topk(10, sum by ({_BY}) (campaignd_permits_wanted{{{CAMPAIGNS}}}))", "{{campaign}}"),
        stacked=True,
    )
    contacts = lines(
        "Contacts, by status",
        "Of the campaigns that are worked now. Retry: tried, and to be tried again.",
        "short",
        Ask(f"sum by (status) (campaignd_tasks{{{CAMPAIGNS}}})", "{{status}}"),
        stacked=True,
        colors={"completed": GREEN, "failed": RED, "in_progress": YELLOW, "retry": ORANGE, "pending": BLUE},
    )
    return Band("Room and contacts", 8, ((8, trunks), (8, waiting), (8, contacts)))
