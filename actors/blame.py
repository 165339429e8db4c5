"""Whose fault it was that a call did not come about: the last column of the table in shared/facts/livekit.md."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Whose fault a refused or unclear call was."""

    CALLEE = "callee"  # says nothing about any service
    UNWANTED = "unwanted"  # the callee's too, who is never to be called again
    LIST = "list"  # the number does not exist
    TRUNK = "trunk"
    LIVEKIT = "livekit"
    OURS = "ours"  # this process stood still, or did not hear PostgreSQL: certainly not dialed
    PACE = "pace"  # ours: more calls than LiveKit or the carrier wants
    CONCURRENCY = "concurrency"  # ours too: more calls at once than the carrier wants
