"""The names of the services that calls need, each with a circuit breaker of its own."""

from __future__ import annotations

BREAKER = "breaker:"
"""Before a service's name: the hold that its breaker gives to campaigns."""

LIVEKIT = "livekit"
RECORDINGS = "recordings"


def trunk_service(trunk: str) -> str:
    """The service that a trunk is."""
    return f"trunk:{trunk}"


def agents_service(agent_name: str) -> str:
    """The service that the agents of this name are."""
    return f"agents:{agent_name}"


def needed_services(trunk: str, agent_name: str, *, recorded: bool) -> frozenset[str]:
    """The services without which calls can't be what they should that go through this trunk to these agents."""
    needed = {LIVEKIT, trunk_service(trunk), agents_service(agent_name)}
    return frozenset(needed | {RECORDINGS} if recorded else needed)
