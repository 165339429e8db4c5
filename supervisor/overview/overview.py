"""What is going on, at one moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from supervisor.breakers import ServiceBreaker
from supervisor.report.summary import in_order


@dataclass(frozen=True)
class Load:
    """Calls that count against limits, and the limits; None: there is no such limit."""

    in_progress: int = 0
    begun: int = 0  # within the last 60 s
    most_in_progress: int | None = None
    most_begun: int | None = None
    slowed_down: str | None = None  # why a limit is lower for now than the configured one

    @property
    def written(self) -> str:
        """`3 of 5 now, 8 of 10 a minute`; what has no limit stands alone."""
        said = f"{_of(self.in_progress, self.most_in_progress)} now, {_of(self.begun, self.most_begun)} a minute"
        return said if self.slowed_down is None else f"{said} (slowed down: {self.slowed_down})"

    @property
    def is_full(self) -> bool:
        """Whether a limit lets no more calls begin now."""
        counted = ((self.in_progress, self.most_in_progress), (self.begun, self.most_begun))
        return any(most is not None and count >= most for count, most in counted)


@dataclass(frozen=True)
class CampaignLine:
    """A campaign."""

    id: UUID
    slug: str | None  # None when it was not made from a file
    name: str
    company: str  # its slug
    status: str
    status_message: str | None
    status_error: str | None  # without phone numbers
    total: int  # tasks
    completed: int
    failed: int
    holds: tuple[str, ...]  # oldest first
    load: Load

    @property
    def label(self) -> str:
        """What a person calls it on the command line."""
        return self.slug or str(self.id)

    @property
    def done(self) -> int:
        """Tasks that are settled."""
        return self.completed + self.failed

    @property
    def why(self) -> str:
        """Why it is as it is; empty when there is nothing to say."""
        said = ": ".join(text for text in (self.status_message, self.status_error) if text)
        held = f"[{', '.join(self.holds)}]" if self.holds else ""
        return " ".join(text for text in (said, held) if text)


@dataclass(frozen=True)
class SharedLimit:
    """A company or a trunk, whose limits hold over many campaigns."""

    kind: str  # company or trunk
    name: str
    load: Load


@dataclass(frozen=True)
class Failure:
    """Something that failed of late; the latest of its kind."""

    at: datetime
    source: str  # what failed, such as `trunk:main` or `recordings of acme`
    said: str  # why, without phone numbers
    count: int


@dataclass(frozen=True)
class Hour:
    """How the calls ended that were begun in one hour."""

    start: datetime
    by_outcome: Mapping[str, int]

    @property
    def calls(self) -> int:
        """Of all outcomes."""
        return sum(self.by_outcome.values())


@dataclass(frozen=True)
class Process:
    """A service at work on this database."""

    host: str
    pid: int
    version: str
    started_at: datetime


@dataclass(frozen=True)
class Overview:
    """Everything, read at one moment."""

    now: datetime
    services: Sequence[Process]  # none: nobody calls
    campaigns: Sequence[CampaignLine]  # those that call first; not all, when there are very many
    statuses: Mapping[str, int]  # of all campaigns: how many there are in each
    shared: Sequence[SharedLimit]
    breakers: Sequence[ServiceBreaker]  # of every service that calls need
    last_hour: Mapping[str, int]  # outcomes of calls begun within it
    hours: Sequence[Hour]  # the present one and the 23 before, the oldest first
    minutes: Sequence[int]  # calls in progress an hour ago and at the end of each minute since
    failures: Sequence[Failure]  # the latest first

    @property
    def in_progress(self) -> int:
        """Calls in progress now, of all trunks."""
        return sum(limit.load.in_progress for limit in self.shared if limit.kind == "trunk")

    @property
    def unlisted(self) -> int:
        """Campaigns that are not among `campaigns`."""
        return sum(self.statuses.values()) - len(self.campaigns)

    @property
    def last_day(self) -> Mapping[str, int]:
        """Outcomes of calls begun in `hours`."""
        day: Counter[str] = Counter()
        for hour in self.hours:
            day.update(hour.by_outcome)
        return in_order(day)

    @property
    def troubled(self) -> Sequence[ServiceBreaker]:
        """Breakers that are not closed."""
        return [breaker for breaker in self.breakers if breaker.state != "closed"]


def _of(count: int, most: int | None) -> str:
    return str(count) if most is None else f"{count} of {most}"
