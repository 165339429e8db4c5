"""How far a call has come, as PostgreSQL knows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg_pool import ConnectionPool

from actors.actor import OUTAGE
from actors.call import Call
from actors.dialer import ledger
from actors.dialer.conversation import Conversation


class Progress:
    """Writes that a call was answered, and that its agent has joined, so that whoever resumes it knows. Its result says
    all of it again: a PostgreSQL that is away, or a lease that is lost for a while, must not end a conversation. What
    could not be written is written when this is asked again."""

    def __init__(self, pool: ConnectionPool, log: Any) -> None:
        self._pool = pool
        self._log = log
        self.written: tuple[datetime | None, datetime | None] = (None, None)
        """When it was answered and when its agent joined, as far as that is written."""

    def write(self, call: Call, talk: Conversation, sip_call_id: str | None) -> bool:
        """Write what is not written; whether the call's recording is expected from now on."""
        progress = talk.answered_at, talk.agent_joined_at
        if talk.answered_at is None or progress == self.written:
            return False
        try:
            with ledger.own_transaction(self._pool) as connection:
                recorded = ledger.mark_answered(connection, call, talk.answered_at, talk.agent_joined_at, sip_call_id)
        except OUTAGE as error:
            self._log.warning("progress_not_written", error=str(error))
            return False
        if recorded is not None:
            self.written = progress
        return bool(recorded)
