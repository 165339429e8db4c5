"""What the interface reads of campaigns and their call tasks."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from actors.campaign.settings import settings_tables
from actors.errors import CampaignNotFoundError
from actors.statements import statement
from supervisor.database.snapshot import snapshot
from supervisor.http.requests import CampaignsQuery, JobsQuery, PageQuery
from supervisor.http.shapes import CampaignDetailsShape, CampaignShape, JobShape, Listed, Page, T
from supervisor.report.summary import campaign_as_json, read_summaries

_sql = partial(statement, __package__)


def read_campaign(connection: Connection, campaign_id: UUID) -> CampaignDetailsShape:
    """One campaign with its figures, all of one moment. Raises CampaignNotFoundError."""
    chosen = {"id": campaign_id, "status": None, "company": None, "limit": 1, "offset": 0}
    with snapshot(connection):
        rows = _read(connection, "campaigns", chosen)
        summaries = read_summaries(connection, campaign_ids=[campaign_id])
    if not rows:
        raise CampaignNotFoundError(f"Campaign {campaign_id} not found")
    return CampaignDetailsShape(**(campaign_as_json(summaries[0]) | _campaign(rows[0])))


def read_campaigns(connection: Connection, query: CampaignsQuery) -> Listed[CampaignShape]:
    """Those that the query chooses, the newest first."""
    chosen = {"id": None, "status": _in_database(query.status), "company": query.company}
    rows = _read(connection, "campaigns", chosen | _bounds(query))
    return _listed([CampaignShape(**_campaign(row)) for row in rows], query)


def read_jobs(connection: Connection, campaign_id: UUID, query: JobsQuery) -> Listed[JobShape]:
    """Call tasks of the campaign, in the order of its list. Raises CampaignNotFoundError."""
    if not connection.execute("SELECT FROM campaigns WHERE id = %s", (campaign_id,)).rowcount:
        raise CampaignNotFoundError(f"Campaign {campaign_id} not found")
    chosen = {"campaign": campaign_id, "status": _in_database(query.status)}
    rows = _read(connection, "jobs", chosen | _bounds(query))
    return _listed([JobShape(**{**row, "status": row["status"].upper()}) for row in rows], query)


def _read(connection: Connection, name: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_sql(name), values).fetchall()


def _campaign(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, **settings_tables(row), "status": row["status"].upper()}


def _in_database(status: str | None) -> str | None:
    return status and status.lower()


def _bounds(query: PageQuery) -> dict[str, int]:
    """One more than asked for: whether there is one tells whether there is more, without a count of all."""
    return {"limit": query.limit + 1, "offset": query.offset}


def _listed(found: list[T], query: PageQuery) -> Listed[T]:
    page = Page(limit=query.limit, offset=query.offset, more=len(found) > query.limit)
    return Listed(data=found[: query.limit], page=page)
