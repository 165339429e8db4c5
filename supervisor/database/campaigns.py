"""Which campaign a person means."""

from __future__ import annotations

from uuid import UUID

import psycopg
from psycopg.rows import scalar_row

from actors.errors import CampaignNotFoundError, CampaignValidationError

# A slug or an id says more than a name, which several campaigns may share.
_FIND = """
SELECT id FROM campaigns WHERE slug = %(text)s OR id::text = lower(%(text)s)
UNION ALL
SELECT id FROM campaigns WHERE name = %(text)s AND NOT EXISTS (
    SELECT FROM campaigns WHERE slug = %(text)s OR id::text = lower(%(text)s)
)
ORDER BY id"""


def find_campaign(connection: psycopg.Connection, text: str) -> UUID:
    """The campaign whose slug or id is `text`, or else the one with exactly this name.

    Raises CampaignNotFoundError when there is none, CampaignValidationError with their ids when there are several.
    """
    with connection.cursor(row_factory=scalar_row) as cursor:
        found: list[UUID] = cursor.execute(_FIND, {"text": text}).fetchall()
    if not found:
        raise CampaignNotFoundError(f"No campaign with the slug, id or name {text!r}")
    if len(found) > 1:
        ids = ", ".join(map(str, found))
        raise CampaignValidationError(f"Several campaigns are named {text!r}; say which by its id: {ids}")
    return found[0]
