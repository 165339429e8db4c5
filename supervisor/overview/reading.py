"""Reads the overview: few statements over indexes that calling needs anyway, all of one moment."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row, dict_row, tuple_row

from actors.campaign.abandonment import Abandonment
from actors.campaign.readings import read_answered
from actors.statements import statement
from actors.trunk.ledger import read_paces
from actors.trunk.pace import Pace
from supervisor.breakers import ServiceBreaker, read_breakers, services_of
from supervisor.config.rules import trunk_limits
from supervisor.config.service import ServiceFile
from supervisor.database.snapshot import snapshot
from supervisor.overview.overview import CampaignLine, Failure, Hour, Load, Overview, Process, SharedLimit
from supervisor.report.summary import in_order

_sql = partial(statement, __package__)

Limits = tuple[int | None, int | None, str | None]
"""Calls at once and a minute, and why one of them is lower for now than it is configured."""

MOST_CAMPAIGNS = 200
MOST_FAILURES = 20

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_LONGEST_CALL = timedelta(hours=2)
"""For the calls that were in progress when the last hour began."""
_HOURS = 24
_PAST_KEPT = timedelta(minutes=5)
_ANSWERS_KEPT = timedelta(seconds=30)
_MINUTES = 60
_PHONE_NUMBER = r"[+][0-9][0-9 ().-]{5,}[0-9]|[0-9]{9,}"
"""As services write one into what they say went wrong; read by PostgreSQL, too."""
_HIDDEN = "***"


class Reader:
    """Reads it as often as somebody looks. Used by one thread, or by several that take turns with what it remembers:
    hours that are long past, which a very busy service takes a second to count, and for a moment who found an agent."""

    def __init__(self) -> None:
        self._past: tuple[datetime, list[Hour]] | None = None  # when it was read
        self._abandonment: tuple[datetime, dict[UUID, Abandonment]] | None = None  # the same

    def read(self, connection: psycopg.Connection[Any], configuration: ServiceFile, now: datetime) -> Overview:
        """What is going on at `now`, on a connection that has begun no transaction. How calls ended that were begun
        before the last hour may be five minutes old. Raises psycopg.Error."""
        with snapshot(connection):
            trunks = [trunk for (trunk,) in _rows(connection, "trunks")]
            values = {"now": now, "trunks": trunks, "phone_number": _PHONE_NUMBER}
            load = _read(connection, "load", values)
            last_hour = _read(connection, "last_hour", values)
            breakers = read_breakers(connection, services_of(configuration))
            return Overview(
                now=now,
                services=read_services(connection),
                campaigns=self._campaigns(connection, load, now),
                statuses=dict(_rows(connection, "statuses")),
                shared=_shared(load, configuration, _trunk_limits(connection, configuration, now)),
                breakers=breakers,
                last_hour=in_order(_outcomes(last_hour)),
                hours=self._hours(connection, trunks, now),
                minutes=_minutes(connection, trunks, now),
                failures=_failures(connection, now, breakers, last_hour),
            )

    def _campaigns(
        self, connection: psycopg.Connection[Any], load: Iterable[dict[str, Any]], now: datetime
    ) -> list[CampaignLine]:
        in_progress: Counter[UUID] = Counter()
        begun: Counter[UUID] = Counter()
        for row in load:
            in_progress[row["campaign_id"]] += row["in_progress"]
            begun[row["campaign_id"]] += row["begun"]
        rows = _read(connection, "campaigns", {"most_campaigns": MOST_CAMPAIGNS})
        running = [row["id"] for row in rows if row["status"] == "running"]
        abandonment = self._abandonment_of(connection, running, now)
        lines = []
        for row in rows:
            limits = _limits_of(row, abandonment.get(row["id"]), now)
            row["holds"] = tuple(row["holds"])
            row["status_error"] = _hidden(row["status_error"])
            lines.append(CampaignLine(**row, load=Load(in_progress[row["id"]], begun[row["id"]], *limits)))
        return lines

    def _abandonment_of(
        self, connection: psycopg.Connection[Any], campaigns: list[UUID], now: datetime
    ) -> dict[UUID, Abandonment]:
        read_at, rules = self._abandonment or (now, {})
        if not rules or not timedelta() <= now - read_at < _ANSWERS_KEPT:
            answered = read_answered(connection, campaigns, now)
            rules = {campaign: Abandonment(1, answers) for campaign, answers in answered.items()}
            self._abandonment = now, rules
        return rules

    def _hours(self, connection: psycopg.Connection[Any], trunks: list[str], now: datetime) -> list[Hour]:
        recent = now.replace(minute=0, second=0, microsecond=0) - _HOUR
        first = recent - (_HOURS - 2) * _HOUR
        read_at, past = self._past or (now - _DAY, [])
        if not past or past[0].start != first or not timedelta() <= now - read_at < _PAST_KEPT:
            past = _hours(connection, trunks, first, recent)
            self._past = now, past
        return [*past, *_hours(connection, trunks, recent, recent + 2 * _HOUR)]


def _limits_of(row: dict[str, Any], rule: Abandonment | None, now: datetime) -> Limits:
    """A campaign's: it slows down when too many who answer find no agent."""
    most, per_minute, rate = row.pop("max_concurrent_calls"), row.pop("calls_per_minute"), row.pop("max_abandon_rate")
    if rule is not None:
        rule.max_abandon_rate = rate
        if (slowed_to := rule.slowed_to(most, now)) is not None:
            return slowed_to, per_minute, rule.why(now)
    return most, per_minute, None


def read_services(connection: psycopg.Connection[Any]) -> list[Process]:
    """The processes that are at work on this database."""
    with connection.cursor(row_factory=class_row(Process)) as cursor:
        return cursor.execute(_sql("services")).fetchall()


def _trunk_limits(connection: psycopg.Connection[Any], configuration: ServiceFile, now: datetime) -> dict[str, Limits]:
    """Those that are kept now: a carrier's refusals lower them for a while."""
    learned = read_paces(connection, configuration.trunks)
    limits: dict[str, Limits] = {}
    for name, trunk in configuration.trunks.items():
        pace = Pace(trunk_limits(trunk), learned[name])
        kept = pace.limits(now)
        slower = (kept.concurrent, kept.per_minute) != (pace.configured.concurrent, pace.configured.per_minute)
        limits[name] = kept.concurrent, kept.per_minute, "its carrier refused more" if slower else None
    return limits


def _shared(load: Iterable[dict[str, Any]], configuration: ServiceFile, trunks: dict[str, Limits]) -> list[SharedLimit]:
    """Companies and trunks of the configuration, and those that have calls without being in it any more."""
    in_progress: defaultdict[str, Counter[str]] = defaultdict(Counter)
    begun: defaultdict[str, Counter[str]] = defaultdict(Counter)
    company_limits = {name: company.max_concurrent_calls for name, company in configuration.companies.items()}
    for row in load:
        for kind in ("company", "trunk"):
            in_progress[kind][row[kind]] += row["in_progress"]
            begun[kind][row[kind]] += row["begun"]
        company_limits.setdefault(row["company"], row["max_concurrent_calls"])
        trunks.setdefault(row["trunk"], (None, None, None))
    limits: Mapping[str, Mapping[str, Limits]] = {
        "company": {name: (most, None, None) for name, most in company_limits.items()},
        "trunk": trunks,
    }
    return [
        SharedLimit(kind, name, Load(in_progress[kind][name], begun[kind][name], *most))
        for kind, by_name in limits.items()
        for name, most in by_name.items()
    ]


def _hours(connection: psycopg.Connection[Any], trunks: list[str], since: datetime, until: datetime) -> list[Hour]:
    by_start: defaultdict[datetime, dict[str, int]] = defaultdict(dict)
    for row in _read(connection, "hours", {"trunks": trunks, "since": since, "until": until}):
        by_start[row["start"]][row["outcome"]] = row["calls"]
    starts = (since + number * _HOUR for number in range((until - since) // _HOUR))
    return [Hour(start, in_order(by_start.get(start, {}))) for start in starts]


def _minutes(connection: psycopg.Connection[Any], trunks: list[str], now: datetime) -> list[int]:
    since = now - _HOUR
    changes: Counter[int] = Counter()
    for row in _read(connection, "minutes", {"trunks": trunks, "since": since, "longest": _LONGEST_CALL}):
        changes[0 if row["minute"] is None else (row["minute"] - since) // _MINUTE + 1] += row["change"]
    return list(accumulate(changes[minute] for minute in range(_MINUTES + 1)))


def _outcomes(last_hour: Iterable[dict[str, Any]]) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for row in last_hour:
        outcomes[row["outcome"]] += row["calls"]
    return outcomes


def _failures(
    connection: psycopg.Connection[Any],
    now: datetime,
    breakers: Iterable[ServiceBreaker],
    last_hour: Iterable[dict[str, Any]],
) -> list[Failure]:
    found = [
        Failure(**row | {"said": _hidden(row["said"]) or "no error is known"})
        for row in _read(connection, "errors", {"now": now})
    ]
    found += [
        Failure(breaker.last_error_at, breaker.service, _hidden(breaker.last_error) or "", breaker.error_count)
        for breaker in breakers
        if breaker.last_error_at is not None and breaker.last_error_at > now - _DAY
    ]
    found += [
        Failure(row["latest"], f"calls: {row['outcome']}", row["said"], row["calls"])
        for row in last_hour
        if row["said"] is not None
    ]
    return sorted(found, key=lambda failure: failure.at, reverse=True)[:MOST_FAILURES]


def _hidden(text: str | None) -> str | None:
    """What a service said, without anybody's number."""
    return text if text is None else re.sub(_PHONE_NUMBER, _HIDDEN, text)


def _rows(connection: psycopg.Connection[Any], name: str) -> list[tuple[Any, ...]]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(_sql(name)).fetchall()


def _read(connection: psycopg.Connection[Any], name: str, values: Mapping[str, object]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_sql(name), values).fetchall()
