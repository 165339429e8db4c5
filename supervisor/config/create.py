"""Creates a campaign that has no file, by the rules of those that have one (product.md, "Creating a campaign")."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import scalar_row

from actors.errors import CampaignValidationError
from actors.ids import new_id
from supervisor.config.apply import campaign_columns
from supervisor.config.campaign import NewCampaign
from supervisor.config.together import check_conduct

_COMPANY = (
    "SELECT id FROM companies WHERE slug = %(named)s OR id::text = lower(%(named)s) ORDER BY slug = %(named)s DESC"
)
_SKILLBASE = """
SELECT id FROM skillbases WHERE company_id = %(company)s AND (slug = %(named)s OR id::text = lower(%(named)s))
ORDER BY slug = %(named)s DESC"""


class InvalidCampaignError(CampaignValidationError):
    """A campaign can't be what it is described to be: `mistakes` has the key and the reason of each."""

    def __init__(self, mistakes: Sequence[tuple[str, str]]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(reason for _, reason in self.mistakes))


def create_campaign(connection: Connection, new: NewCampaign, trunks: Collection[str], now: datetime) -> UUID:
    """Write a draft and return its id; `trunks` are those it may name. Part of the caller's transaction, if there is
    one. Raises InvalidCampaignError with every mistake, and then has written nothing."""
    with connection.transaction():
        company_id = _find(connection, _COMPANY, {"named": new.company})
        skillbase_id = _find(connection, _SKILLBASE, {"company": company_id, "named": new.skillbase})
        mistakes = check_conduct({"trunk": new.trunk, "retry": {"outcomes": new.retry.outcomes}}, trunks)
        if company_id is None:
            mistakes.insert(0, ("company", f"Company {new.company} not found"))
        elif skillbase_id is None:
            mistakes.insert(0, ("skillbase", f"Skillbase {new.skillbase} not found or doesn't belong to company"))
        if mistakes:
            raise InvalidCampaignError(mistakes)
        campaign_id = new_id()
        owner = {"id": campaign_id, "company_id": company_id, "skillbase_id": skillbase_id}
        _insert(connection, {**owner, **campaign_columns(new), "created_at": now, "updated_at": now})
    return campaign_id


def _find(connection: Connection, query: str, values: Mapping[str, Any]) -> UUID | None:
    with connection.cursor(row_factory=scalar_row) as cursor:
        found: UUID | None = cursor.execute(query.encode(), values).fetchone()
    return found


def _insert(connection: Connection, values: Mapping[str, Any]) -> None:
    query = sql.SQL("INSERT INTO campaigns ({columns}) VALUES ({values})").format(
        columns=sql.SQL(", ").join(map(sql.Identifier, values)),
        values=sql.SQL(", ").join([sql.Placeholder()] * len(values)),
    )
    connection.execute(query, [*values.values()])
