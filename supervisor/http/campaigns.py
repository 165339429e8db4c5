"""Campaigns over HTTP: created, listed, shown, started, paused, resumed, deleted; and their call tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import structlog
from aiohttp import web
from psycopg import Connection

from actors.roster import statuses
from actors.roster.deletion import DeletionRefusedError, delete_campaign
from supervisor.config.campaign import NewCampaign
from supervisor.config.create import create_campaign
from supervisor.config.load import Snapshot
from supervisor.http.answers import answer, listed
from supervisor.http.database import Database
from supervisor.http.ledger import read_campaign, read_campaigns, read_jobs
from supervisor.http.problems import takes_long
from supervisor.http.requests import CampaignsQuery, Change, JobsQuery, campaign_id, read_json, read_query
from supervisor.http.shapes import DeletedShape

_ChangeStatus = Callable[[Connection, UUID, datetime, str], None]


class Campaigns:
    """Handlers of `/campaigns`, but for call lists."""

    def __init__(self, database: Database, snapshot: Callable[[], Snapshot], now: Callable[[], datetime]) -> None:
        self._database = database
        self._snapshot = snapshot
        self._now = now

    def routes(self) -> Iterable[web.RouteDef]:
        """Protected."""
        return [
            web.get("/campaigns", self._list),
            web.post("/campaigns", self._create),
            web.get("/campaigns/{id}", self._show),
            web.delete("/campaigns/{id}", self._delete),
            web.get("/campaigns/{id}/jobs", self._list_jobs),
            web.post("/campaigns/{id}/start", self._changing(statuses.start, "started over HTTP")),
            web.post("/campaigns/{id}/pause", self._changing(statuses.pause, "paused over HTTP")),
            web.post("/campaigns/{id}/cancel", self._changing(statuses.cancel, "cancelled over HTTP")),
            web.post("/campaigns/{id}/resume", self._changing(statuses.resume, "resumed over HTTP")),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        query = read_query(request, CampaignsQuery)
        return listed(await self._database.run(lambda connection: read_campaigns(connection, query)))

    async def _create(self, request: web.Request) -> web.Response:
        new = await read_json(request, NewCampaign)
        trunks, now = self._snapshot().service.trunks, self._now()

        def work(connection: Connection) -> UUID:
            return create_campaign(connection, new, trunks, now)

        created = await self._database.run(work)
        return await self._campaign(created, 201)

    async def _show(self, request: web.Request) -> web.Response:
        return await self._campaign(campaign_id(request))

    @takes_long
    async def _delete(self, request: web.Request) -> web.Response:
        wanted = campaign_id(request)
        files = self._snapshot().campaigns

        def work(connection: Connection) -> DeletedShape:
            row = connection.execute("SELECT slug FROM campaigns WHERE id = %s", (wanted,)).fetchone()
            if row is not None and row[0] in files:
                # The next start would make it anew, and call everybody again.
                raise DeletionRefusedError(f"Campaign is made from its file {row[0]}.toml: remove the file first")
            return DeletedShape(id=wanted, **asdict(delete_campaign(connection, wanted)))

        deleted = await self._database.run_long(work)
        structlog.get_logger().info("campaign_deleted", **deleted.model_dump(mode="json"))
        return answer(deleted)

    async def _list_jobs(self, request: web.Request) -> web.Response:
        wanted, query = campaign_id(request), read_query(request, JobsQuery)
        return listed(await self._database.run(lambda connection: read_jobs(connection, wanted, query)))

    def _changing(self, change: _ChangeStatus, why: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.Response:
            wanted, said, now = campaign_id(request), await read_json(request, Change, optional=True), self._now()
            await self._database.run(lambda connection: change(connection, wanted, now, said.reason or why))
            return await self._campaign(wanted)

        return handle

    async def _campaign(self, wanted: UUID, status: int = 200) -> web.Response:
        return answer(await self._database.run(lambda connection: read_campaign(connection, wanted)), status)
