"""Recordings that are not there yet: LiveKit is asked to make them, and what became of each is learned from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from actors.recording import ledger, places
from actors.recording.gateway import EgressGateway
from actors.recording.messages import (
    Egress,
    EgressFound,
    EgressLookFailed,
    EgressNotStarted,
    EgressStarted,
    EgressState,
)
from actors.recording.rules import ASK_AGAIN, HEARD_WITHIN, LOOK_EVERY, Rules

_LOOKS = 50
"""Recordings that LiveKit is asked for at a time."""
_TOO_SHORT = "the call was over before LiveKit could record it"


class Expected:
    """Part of the recordings' actor, in whose thread it runs. Every fact may come twice, late, or never: what is
    written goes by the state of the recording's row."""

    def __init__(self, pool: ConnectionPool, gateway: EgressGateway, source: str, rules: Rules, log: Any) -> None:
        self._pool = pool
        self._gateway = gateway
        self._source = source
        self._rules = rules
        self._log = log
        self._asked: set[UUID] = set()  # to be recorded, and not answered yet: asked twice, LiveKit records twice
        self._looked_for: set[UUID] = set()  # and not answered yet
        self._more = False  # there may be, to look for

    def record(self, call_id: UUID, *, look_first: bool) -> None:
        """Have this call recorded."""
        if call_id not in self._asked:
            self._asked.add(call_id)
            self._gateway.record(call_id, look_first=look_first)

    def look(self, now: datetime) -> None:
        """Ask LiveKit for those of which nothing was heard: the net for lost webhooks and lost requests. As many as it
        may be asked for at a time; when it has answered, for the next."""
        with self._pool.connection() as connection:
            recordings = ledger.take_looks(
                connection, now, over_by=now - HEARD_WITHIN, next_look=now + LOOK_EVERY, most=_LOOKS
            )
        self._more = len(recordings) == _LOOKS
        for recording in recordings:
            if recording.call_id in self._asked:
                continue
            self._looked_for.add(recording.call_id)
            if recording.over:
                self._gateway.find_egress(recording.call_id)
            else:
                self.record(recording.call_id, look_first=True)

    def look_failed(self, message: EgressLookFailed) -> None:
        """LiveKit could not be asked: the others that there are to ask for wait for the next look."""
        self._more = False
        self._looked_for.discard(message.call_id)
        self._log.warning("recording_look_failed", call=str(message.call_id), error=message.error)

    def started(self, message: EgressStarted, now: datetime) -> None:
        """LiveKit records the call."""
        self._asked.discard(message.call_id)
        with self._pool.connection() as connection:
            ledger.note_egress(connection, message.call_id, message.egress_id)
        self._answered(message.call_id, now)

    def not_started(self, message: EgressNotStarted, now: datetime) -> None:
        """As long as the call is up it may still be recorded: a part of it is better than nothing."""
        self._asked.discard(message.call_id)
        if message.room_gone:
            with self._pool.connection() as connection:
                missed = ledger.give_up(connection, message.call_id, _TOO_SHORT, now)
            if missed is not None:
                self._log.warning("recording_missed", error=missed.error, **missed.ids)
            self._answered(message.call_id, now)
            return
        self._more = False
        self._looked_for.discard(message.call_id)
        self._log.warning("egress_not_started", call=str(message.call_id), error=message.error)
        with self._pool.connection() as connection:
            ledger.note_no_egress(connection, message.call_id, message.error, now + ASK_AGAIN)

    def learn(self, egress: Egress, now: datetime) -> bool:
        """What has become of a recording; True: there is a file to fetch."""
        if egress.state is EgressState.UNDER_WAY:
            return False
        if egress.state is EgressState.FAILED:
            self._give_up(egress.call_id, f"LiveKit's recording failed: {egress.error or 'without a reason'}", now)
            return False
        if refusal := places.refusal(self._source, egress.call_id, egress.filename, egress.location):
            self._give_up(egress.call_id, f"refused: {refusal}", now)
            return False
        with self._pool.connection() as connection:
            ready = ledger.make_ready(connection, egress, now)
            if not ready:
                ledger.discard_late(connection, egress.call_id)
        return ready

    def found(self, found: EgressFound, now: datetime) -> bool:
        """What LiveKit answered when it was asked; True as for `learn`."""
        self._answered(found.call_id, now)
        if found.egress is not None and found.egress.state is not EgressState.UNDER_WAY:
            return self.learn(found.egress, now)
        patience = self._rules.patience(known=found.egress is not None)
        what = f"LiveKit's recording {found.egress.egress_id} had not ended" if found.egress else "LiveKit knew of none"
        reason = f"{what} {patience.total_seconds():g} s after the call"
        with self._pool.connection() as connection:
            self._lost(ledger.give_up_waiting(connection, found.call_id, reason, now - patience, now))
        return False

    def _answered(self, call_id: UUID, now: datetime) -> None:
        self._looked_for.discard(call_id)
        if self._more and not self._looked_for:
            self.look(now)

    def _give_up(self, call_id: UUID, reason: str, now: datetime) -> None:
        with self._pool.connection() as connection:
            self._lost(ledger.give_up(connection, call_id, reason, now))

    def _lost(self, given_up: ledger.GivenUpRecording | None) -> None:
        if given_up is not None:
            self._log.warning("recording_not_made", error=given_up.error, **given_up.ids)
