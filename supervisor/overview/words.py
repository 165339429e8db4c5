"""What a terminal and a page say in the same words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from supervisor.breakers import ServiceBreaker
from supervisor.overview.overview import Overview, Process
from supervisor.report.layout import NOTHING

NOBODY_CALLS = "no service is running on this database"


def clock(at: datetime | None) -> str:
    """`09:05:00`."""
    return NOTHING if at is None else f"{at.astimezone(UTC):%H:%M:%S}"


def ago(at: datetime, now: datetime) -> str:
    """`5 min ago`, in the largest unit."""
    seconds = max(round((now - at).total_seconds()), 0)
    return "now" if seconds == 0 else f"{length(timedelta(seconds=seconds))} ago"


def length(time: timedelta) -> str:
    """`40 s`, `5 min`, `3 h`, `2 d`."""
    seconds = round(time.total_seconds())
    for unit_s, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit_s or (unit_s == 60 and seconds >= 60):
            return f"{seconds // unit_s} {unit}"
    return f"{seconds} s"


def headline(overview: Overview) -> str:
    """`12 calls in progress; campaigns: 2 running, 1 paused`."""
    calls = f"{overview.in_progress} call{'' if overview.in_progress == 1 else 's'} in progress"
    order = ("running", "paused", "failed", "draft", "completed")
    counted = ", ".join(f"{overview.statuses[status]} {status}" for status in order if overview.statuses.get(status))
    return f"{calls}; campaigns: {counted or 'none'}"


def process(service: Process, now: datetime) -> str:
    """`campaignd 0.1.0 on dialer1, process 4711, for 3 h`."""
    running = length(max(now - service.started_at, timedelta()))
    return f"campaignd {service.version} on {service.host}, process {service.pid}, for {running}"


def breaker_state(breaker: ServiceBreaker) -> str:
    """`half open`."""
    return breaker.state.replace("_", " ")


def since(breaker: ServiceBreaker, now: datetime) -> str:
    """`09:15:00 (5 min)`: since when it has not been closed, and for how long."""
    return NOTHING if breaker.opened_at is None else f"{clock(breaker.opened_at)} ({length(now - breaker.opened_at)})"


def next_try(breaker: ServiceBreaker) -> str:
    """When an open breaker lets a call through again, to see."""
    return clock(breaker.retry_at) if breaker.retry_at else "now" if breaker.state == "half_open" else NOTHING
