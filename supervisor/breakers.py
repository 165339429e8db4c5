"""The circuit breakers as they stand in the database: those who look at them need no actor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg
from psycopg.rows import class_row

from actors.services import LIVEKIT, RECORDINGS, agents_service, trunk_service
from supervisor.config.service import ServiceFile

_READ = """
SELECT service, state, opened_at, last_error, error_count, last_error_at, retry_at
FROM circuit_breakers WHERE service = ANY (%s)"""


@dataclass(frozen=True)
class ServiceBreaker:
    """The breaker of one service, for those who look at it; closed where it has no row."""

    service: str
    state: Literal["closed", "open", "half_open"] = "closed"
    opened_at: datetime | None = None
    last_error: str | None = None
    error_count: int = 0  # since it was closed last
    last_error_at: datetime | None = None
    retry_at: datetime | None = None  # when it is probed next; None unless open

    @property
    def pause_info(self) -> str | None:
        """Why campaigns that need the service are paused, for people; None while it is closed."""
        if self.state == "closed":
            return None
        since = f" since {_written(self.opened_at)}" if self.opened_at else ""
        last = f", last at {_written(self.last_error_at)}" if self.last_error_at else ""
        is_open = "half open" if self.state == "half_open" else "open"
        return (
            f"circuit breaker {self.service} is {is_open}{since}: {self.last_error or 'no error is known'}"
            f" ({self.error_count} errors{last})"
        )


def services_of(configuration: ServiceFile) -> list[str]:
    """Every service that calls of this configuration need, by its breaker's name."""
    agents = {
        skillbase.agent_name for company in configuration.tenants.values() for skillbase in company.skillbases.values()
    }
    trunks = map(trunk_service, configuration.trunks)
    return [LIVEKIT, *trunks, *map(agents_service, sorted(agents)), RECORDINGS]


def read_breakers(connection: psycopg.Connection, services: Iterable[str]) -> list[ServiceBreaker]:
    """The breaker of each of these services, in their order; one that has never opened is closed."""
    wanted = list(services)
    with connection.cursor(row_factory=class_row(ServiceBreaker)) as cursor:
        found = {row.service: row for row in cursor.execute(_READ, (wanted,))}
    return [found.get(service, ServiceBreaker(service)) for service in wanted]


def _written(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
