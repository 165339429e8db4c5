"""What a campaign's actor has to know before it can begin, or go on, after a start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row
from psycopg_pool import ConnectionPool

from actors.campaign import ledger
from actors.campaign.abandonment import LATEST, WINDOW
from actors.campaign.ledger import CampaignRow, Unfinished
from actors.campaign.together import Together
from actors.clock import Clock
from actors.limiter import COUNTED_MINUTE
from actors.statements import statement

_sql = partial(statement, __package__)

MOST_AT_ONCE = 50
"""Campaigns that are read together: of each there may be LATEST answered calls."""

Answered = list[tuple[datetime, bool]]
"""When calls were answered, and whether they were not abandoned."""


@dataclass(frozen=True)
class Reading:
    """One campaign."""

    campaign: CampaignRow
    answered: Answered  # of late: what counts for its abandon rate
    unfinished: Unfinished
    begun: list[datetime]  # when calls began that have ended, but still count against calls per minute
    put_off: bool  # whether there is something to `ledger.reconsider`


@dataclass(frozen=True)
class _Read:
    row: ledger.Row | None
    answered: Answered
    unfinished: Unfinished
    begun: list[datetime]
    put_off: bool


class Readings:
    """Reads for all campaigns' actors, those together that ask at the same time: a thousand start in a few statements,
    not in thousands. One for the process; called from their threads, and waits for PostgreSQL."""

    def __init__(self, pool: ConnectionPool, supervisor_id: UUID, clock: Clock) -> None:
        self._pool = pool
        self._supervisor_id = supervisor_id
        self._clock = clock
        self._together: Together[UUID, _Read] = Together(self._read, MOST_AT_ONCE)

    def read(self, campaign_id: UUID) -> Reading:
        """The campaign as it is now or was since this was called, under our lease. Raises what `ledger.as_campaign`
        does, and any error of PostgreSQL."""
        read = self._together.ask(campaign_id)
        campaign = ledger.as_campaign(campaign_id, read.row, self._supervisor_id)
        return Reading(campaign, read.answered, read.unfinished, read.begun, read.put_off)

    def _read(self, campaigns: Sequence[UUID]) -> Mapping[UUID, _Read]:
        """The lease first, then unfinished calls, then those that have ended: one that ends meanwhile counts as both,
        and not as neither."""
        now = self._clock.now()
        with self._pool.connection() as connection:
            rows = ledger.read_rows(connection, campaigns, self._supervisor_id)
            answered = read_answered(connection, campaigns, now)
            put_off = read_put_off(connection, campaigns)
            companies = {campaign_id: row["company_id"] for campaign_id, row in rows.items()}
            unfinished = ledger.read_unfinished(connection, companies)
            begun = read_begun(connection, campaigns, now)
        return {
            each: _Read(rows.get(each), answered[each], unfinished.get(each, []), begun[each], each in put_off)
            for each in campaigns
        }


def read_answered(connection: Connection, campaigns: Sequence[UUID], now: datetime) -> dict[UUID, Answered]:
    """The answered calls of late that count for these campaigns' abandon rates."""
    answered: dict[UUID, Answered] = {campaign_id: [] for campaign_id in campaigns}
    with connection.cursor(row_factory=tuple_row) as cursor:
        parameters = {"campaigns": list(campaigns), "since": now - WINDOW, "most": LATEST}
        for campaign_id, answered_at, kept in cursor.execute(_sql("answered"), parameters):
            answered[campaign_id].append((answered_at, kept))
    return answered


def read_begun(connection: Connection, campaigns: Sequence[UUID], now: datetime) -> dict[UUID, list[datetime]]:
    """When calls of these campaigns began that have ended, but still count against calls per minute."""
    begun: dict[UUID, list[datetime]] = {campaign_id: [] for campaign_id in campaigns}
    with connection.cursor(row_factory=tuple_row) as cursor:
        parameters = {"campaigns": list(campaigns), "since": now - COUNTED_MINUTE}
        for campaign_id, dialing_at in cursor.execute(_sql("begun"), parameters):
            begun[campaign_id].append(dialing_at)
    return begun


def read_put_off(connection: Connection, campaigns: Sequence[UUID]) -> set[UUID]:
    """Those of these campaigns that have something to `ledger.reconsider`."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return {campaign_id for (campaign_id,) in cursor.execute(_sql("put_off"), {"campaigns": list(campaigns)})}
