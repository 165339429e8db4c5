"""What is served, put together: every resource, and whether it is open to all or wants the token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from actors.addresses import Directory
from supervisor.config.load import Snapshot
from supervisor.http.breakers import Breakers
from supervisor.http.call_lists import CallLists
from supervisor.http.campaigns import Campaigns
from supervisor.http.database import Database
from supervisor.http.observation import Observation
from supervisor.http.openapi import description_routes
from supervisor.http.page import Page
from supervisor.http.webhooks import Webhooks
from supervisor.metrics import Metrics


@dataclass(frozen=True)
class Interface:
    """What the handlers are given. They only pass messages to actors, so that an answer never waits for one."""

    directory: Directory
    metrics: Metrics
    webhook_key: str
    webhook_secret: str
    is_ready: Callable[[], bool]
    database: Database
    snapshot: Callable[[], Snapshot]
    """The configuration as it is applied now."""
    now: Callable[[], datetime]

    def open_routes(self) -> list[web.RouteDef]:
        """For everybody who can reach the address."""
        webhooks = Webhooks(self.directory, self.metrics, self.webhook_key, self.webhook_secret)
        observation = Observation(self.metrics, self.is_ready)
        return [*observation.routes(), *webhooks.routes(), *description_routes()]

    def browser_routes(self) -> list[web.RouteDef]:
        """For whoever has the token, asked for as browsers ask for a password; without one, for this machine's."""
        return [*Page(self.database, self.snapshot, self.now).routes()]

    def protected_routes(self) -> list[web.RouteDef]:
        """For whoever has the token."""
        return [
            *Campaigns(self.database, self.snapshot, self.now).routes(),
            *CallLists(self.database, self.now).routes(),
            *Breakers(self.database, self.snapshot).routes(),
        ]
