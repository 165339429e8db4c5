"""Which company a person means."""

from __future__ import annotations

from uuid import UUID

import psycopg
from psycopg.rows import scalar_row

from actors.errors import CampaignValidationError


def find_company(connection: psycopg.Connection, slug: str) -> UUID:
    """The company's id. Raises CampaignValidationError when there is none."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        found: UUID | None = cursor.execute("SELECT id FROM companies WHERE slug = %s", (slug,)).fetchone()
    if found is None:
        raise CampaignValidationError(f"Company {slug} not found")
    return found
