"""One attempt at a task, from its claim to its result, and what LiveKit and its agent know it by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from actors.blame import Fault
from actors.outcomes import Outcome
from actors.services import needed_services

ROOM_PREFIX = "campaignd-"


def room_name(call_id: UUID) -> str:
    """The LiveKit room of the call with this id."""
    return f"{ROOM_PREFIX}{call_id}"


def call_of_room(room: str) -> UUID | None:
    """The call whose room this is; None for a room that is not a call's."""
    try:
        call_id = UUID(room.removeprefix(ROOM_PREFIX))
    except ValueError:
        return None
    return call_id if room == room_name(call_id) else None


@dataclass(frozen=True)
class Call:
    """One attempt at a task, as it was claimed. Its id names the room and the participant, so that what became of it
    can always be asked of LiveKit."""

    call_id: UUID
    task_id: UUID
    campaign_id: UUID
    epoch: int  # of the lease under which it is worked
    campaign: str  # its slug, or its id where it has none: for logs and metrics
    trunk: str
    attempt: int  # 1 for the first
    max_attempts: int | None  # the task's own, if it has one
    phone_number: str  # E.164
    contact_name: str | None
    contact_data: Mapping[str, Any]
    agent_name: str
    agent_metadata: Mapping[str, Any]
    ringing_timeout_s: int
    max_call_duration_s: int
    agent_timeout_s: float
    begin_before: datetime | None = None  # the window closes then
    recorded: bool = False
    probe: str | None = None  # the failing service that this one call is to try
    slot_freed_at: float | None = None  # on the stopwatch: when the call ended in whose slot this one begins
    slot_until_settled: bool = False  # its slot is its company's too, which counts what is in progress in PostgreSQL
    waits: bool = False  # there is no slot for it yet: it is made ready, and its campaign says when it may begin

    @property
    def needs(self) -> frozenset[str]:
        """The services without which it can't be what it should."""
        return needed_services(self.trunk, self.agent_name, recorded=self.recorded)

    @property
    def room(self) -> str:
        """The LiveKit room of this call."""
        return room_name(self.call_id)

    @property
    def identity(self) -> str:
        """The LiveKit identity of the person called."""
        return f"callee-{self.call_id}"


@dataclass(frozen=True)
class CallResult:
    """How a call ended; settled by its campaign, once."""

    call: Call
    outcome: Outcome
    ended_at: datetime
    error: str | None = None
    sip_status_code: int | None = None
    sip_call_id: str | None = None
    answered_at: datetime | None = None
    agent_joined_at: datetime | None = None
    dialing_at: datetime | None = None  # when the dial request left
    fault: Fault | None = None  # whose fault it was that nobody was reached; None: nobody's, or not known

    @property
    def is_abandoned(self) -> bool:
        """Whether somebody answered and had no agent as soon as they should have, though perhaps later. Who hung up
        before that says nothing of the agents."""
        joined_at = self.agent_joined_at if self.outcome is Outcome.ANSWERED else None
        waited_until = self.ended_at if self.outcome is Outcome.AGENT_FAILED else joined_at
        if self.answered_at is None or waited_until is None:
            return False
        waited = min(waited_until, self.ended_at) - self.answered_at
        return waited >= timedelta(seconds=self.call.agent_timeout_s)


def agent_job(
    skillbase: Mapping[str, Any],
    call_id: UUID,
    campaign: str,
    *,
    phone_number: str,
    contact_name: str | None,
    contact_data: Mapping[str, Any],
) -> dict[str, Any]:
    """What an agent is told when it is sent for, as README promises: the skillbase's metadata, and whom it is for."""
    return {
        **skillbase,
        "call_id": str(call_id),
        "campaign": campaign,
        "phone_number": phone_number,
        "contact_name": contact_name,
        "contact_data": dict(contact_data),
    }
