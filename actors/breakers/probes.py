"""How a service is probed: what is asked, what it needs itself, and how long it may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from actors.breakers.breaker import BreakerLimits, Permit
from actors.call import agent_job
from actors.services import RECORDINGS

CALL_WITHIN = timedelta(minutes=3)
"""The deadline of a probe that is a call: one must be found, and ring."""
DOWNLOAD_WITHIN = timedelta(minutes=10)


class Probes(Protocol):
    """What is asked of LiveKit to see whether it, or an agent, is there; each answered by one message but the last."""

    def list_rooms(self, service: str, generation: int) -> None:
        """See whether LiveKit answers: `ProbeAnswered`."""
        ...

    def send_for_agent(self, service: str, generation: int, room: str, agent_name: str, job: Mapping[str, Any]) -> None:
        """Make an empty room and send for an agent, with this metadata: `AgentSentFor` or `ProbeAnswered`."""
        ...

    def look_for_agent(self, service: str, generation: int, room: str) -> None:
        """See whether an agent is in that room: `AgentAbsent` or `ProbeAnswered`."""
        ...

    def delete_room(self, room: str) -> None:
        """Close that room."""
        ...


@dataclass(frozen=True)
class AgentRoom:
    """An empty room in which an agent is waited for."""

    name: str
    until: datetime


@dataclass
class Probe:
    """One that this process makes now."""

    permit: Permit
    room: AgentRoom | None = None  # of agents
    trunks: list[str] = field(default_factory=list)  # of LiveKit: those through which it has not been tried yet
    shut: bool = True  # through those that were asked nobody may be called now

    @property
    def generation(self) -> int:
        return self.permit.generation


def probe_job(skillbase: Mapping[str, Any], campaign: str, probe_id: UUID) -> dict[str, Any]:
    """What an agent is told that is sent for to see whether it comes: all that it is promised for a call, since it may
    need that to come at all, and that there is nobody to talk to."""
    nobody = agent_job(skillbase, probe_id, campaign, phone_number="", contact_name=None, contact_data={})
    return {**nobody, "probe": True}


def limits_of(service: str, limits: BreakerLimits) -> BreakerLimits:
    """The limits of this service's breaker, with the deadline that its probe has; that of agents is the given one."""
    if service == RECORDINGS:
        return replace(limits, probe_within=DOWNLOAD_WITHIN)
    return limits if service.startswith("agents:") else replace(limits, probe_within=CALL_WITHIN)


def needs_livekit(service: str) -> bool:
    """Whether a probe of this service calls somebody, which it had better not while LiveKit itself fails."""
    return service.startswith("trunk:")
