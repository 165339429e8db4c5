"""Breakers in PostgreSQL, as the service leaves them there."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from actors.breakers import ledger
from actors.breakers.ledger import BreakerRow

_OPEN_S = 30.0


def write_breaker(connection: Connection, service: str, state: str, since: datetime, **values: Any) -> None:
    """One that is open, or half open, since then; no error of it is known, unless it is among the values."""
    retry_at = since + timedelta(seconds=_OPEN_S) if state == "open" else None
    row = BreakerRow(service, state, 1, since, since, retry_at, _OPEN_S, None, 0, None)
    assert ledger.write(connection, replace(row, **values), None, since)
