"""Which limits are reached, asked of the product's Limiter: one for each limit, so that each answers for itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from actors.limiter import UNLIMITED, CallLimits, Limiter
from supervisor.explain.reasons import Hindrance, Reason

COMPANY: Mapping[str, Reason] = {"concurrent": Reason.COMPANY_CONCURRENT}
CAMPAIGN: Mapping[str, Reason] = {
    "concurrent": Reason.CAMPAIGN_CONCURRENT,
    "per_minute": Reason.CAMPAIGN_PER_MINUTE,
}
TRUNK: Mapping[str, Reason] = {
    "concurrent": Reason.TRUNK_CONCURRENT,
    "per_minute": Reason.TRUNK_PER_MINUTE,
    "per_second": Reason.TRUNK_PER_SECOND,
}
_UNITS = {"concurrent": "calls at once", "per_minute": "calls per minute", "per_second": "calls per second"}


@dataclass(frozen=True)
class CallsUnder:
    """What a limiter is restored from, as its owner restores it after a restart."""

    in_progress: Sequence[tuple[UUID, datetime | None]] = ()  # and when each began; None: not yet
    begun: Sequence[datetime] = ()  # of calls that have ended


@dataclass(frozen=True)
class Limit:
    """One limit, with the calls that count against it."""

    reason: Reason
    text: str  # what is said when it is reached
    limiter: Limiter


def limits_of(
    whose: str,
    limits: CallLimits,
    calls: CallsUnder,
    reasons: Mapping[str, Reason],
    *,
    configured: CallLimits | None = None,
) -> list[Limit]:
    """Those of `limits` that are given, each by itself. With `configured`, `limits` may be lower for a while: that a
    carrier refused more is said of them."""
    found = []
    for name, reason in reasons.items():
        most: int | None = getattr(limits, name)
        if most is not None:
            text = f"{whose} limit of {most} {_UNITS[name]} is reached"
            if configured is not None and (given := getattr(configured, name)) != most:
                text += f": its carrier refused more ({'no limit' if given is None else given} configured)"
            found.append(limit_of(reason, text, replace(CallLimits(), **{name: most}), calls))
    return found


def limit_of(reason: Reason, text: str, limits: CallLimits, calls: CallsUnder) -> Limit:
    """One limit, against which these calls count."""
    limiter = Limiter(limits)
    limiter.restore(calls.in_progress, calls.begun)
    return Limit(reason, text, limiter)


def reached(limits: Iterable[Limit], now: datetime) -> list[Hindrance]:
    """Those that have no room at `now`; `until` where time alone makes it."""
    return [
        Hindrance(limit.reason, limit.text, until=limit.limiter.next_room(now))
        for limit in limits
        if limit.limiter.room(now) == 0
    ]


def room(limits: Iterable[Limit], now: datetime) -> int:
    """How many calls all of them together let begin at `now`."""
    return min((limit.limiter.room(now) for limit in limits), default=UNLIMITED)
