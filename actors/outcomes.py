"""How a call can end: the one list, shared by code, database and metrics (product.md, "Outcomes")."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How a call ended."""

    ANSWERED = "answered"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    INVALID_NUMBER = "invalid_number"
    TRUNK_FAILED = "trunk_failed"
    RATE_LIMITED = "rate_limited"
    AGENT_FAILED = "agent_failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    ERROR = "error"
