"""What the end of a call says of the services that it needed (the table of shared/facts/livekit.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from actors.blame import Fault
from actors.call import Call, CallResult
from actors.outcomes import Outcome
from actors.services import LIVEKIT, agents_service, trunk_service

WRONG_NUMBERS_IN_A_ROW = 10
"""So many numbers that do not exist are not the list's mistake any more: the trunk finds nobody."""

_CALLEE_REACHED = (Outcome.ANSWERED, Outcome.VOICEMAIL, Outcome.AGENT_FAILED)


@dataclass(frozen=True)
class Finding:
    """What one call has shown of one service."""

    service: str
    ok: bool
    at: datetime  # when it was seen
    error: str | None = None


class WrongNumbers:
    """Numbers that do not exist, one after the other, on each trunk. A result told again is counted once."""

    def __init__(self) -> None:
        self._in_a_row: dict[str, set[UUID]] = {}

    def count(self, result: CallResult) -> int:
        """How many of this call's trunk there have been in a row, with this one; 0 when it is none."""
        run = self._in_a_row.setdefault(result.call.trunk, set())
        if result.fault is Fault.LIST:
            if len(run) < WRONG_NUMBERS_IN_A_ROW:
                run.add(result.call.call_id)
            return len(run)
        if result.fault in (Fault.CALLEE, Fault.UNWANTED) or result.answered_at is not None:
            run.clear()
        return 0


def of_answer(call: Call, answered_at: datetime) -> tuple[Finding, ...]:
    """A call was answered."""
    return Finding(LIVEKIT, True, answered_at), Finding(trunk_service(call.trunk), True, answered_at)


def of_agent(call: Call, joined_at: datetime) -> tuple[Finding, ...]:
    """An agent has joined an answered call."""
    return (Finding(agents_service(call.agent_name), True, joined_at),)


def of_result(result: CallResult, wrong_numbers: int) -> tuple[Finding, ...]:
    """A call is over; `wrong_numbers` is what `WrongNumbers` counts with it. Nothing is said of a service that is not
    named: it was not needed, or what became of the call is not known."""
    call, ended_at, error = result.call, result.ended_at, result.error or result.outcome.value
    trunk = trunk_service(call.trunk)
    if result.outcome in _CALLEE_REACHED:
        # An answer that PostgreSQL or a crash kept us from noting was given before the end.
        return *of_answer(call, result.answered_at or ended_at), *_of_agents(result)
    livekit = Finding(LIVEKIT, True, ended_at)
    match result.fault:
        case Fault.CALLEE | Fault.UNWANTED:
            return livekit, Finding(trunk, True, ended_at)
        case Fault.LIST if wrong_numbers >= WRONG_NUMBERS_IN_A_ROW:
            run = f"{wrong_numbers} numbers in a row do not exist: {error}"
            return livekit, Finding(trunk, False, ended_at, run)
        case Fault.LIST:
            return (livekit,)
        case Fault.TRUNK:
            return livekit, Finding(trunk, False, ended_at, error)
        case Fault.LIVEKIT:
            return (Finding(LIVEKIT, False, ended_at, error),)
        case _:
            return ()


def _of_agents(result: CallResult) -> tuple[Finding, ...]:
    if result.agent_joined_at is not None:
        return of_agent(result.call, result.agent_joined_at)
    if result.is_abandoned:
        agents = agents_service(result.call.agent_name)
        return (Finding(agents, False, result.ended_at, result.error or result.outcome.value),)
    return ()
