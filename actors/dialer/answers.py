"""From what LiveKit answers to an outcome: the table of shared/facts/livekit.md, as one plain function.

The SIP status comes first, never the Twirp code, which changed between server versions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from actors.dialer.messages import Refused, Unclear
from actors.outcomes import Outcome

_BY_SIP_STATUS: dict[int, Outcome] = {
    **dict.fromkeys((486, 600), Outcome.BUSY),
    **dict.fromkeys((480, 408, 487), Outcome.NO_ANSWER),
    **dict.fromkeys((404, 410, 484, 485, 604), Outcome.INVALID_NUMBER),
    **dict.fromkeys((603, 607, 608), Outcome.REJECTED),
}

_OUR_PACE = re.compile(r"cps limit exceeded|concurrent call limit exceeded", re.IGNORECASE)
_RING_WINDOW_OVER = re.compile(r"sip request timed out|cancell?ed$", re.IGNORECASE)
_TRANSACTION_FAILED = re.compile(r"transaction failed to complete \((\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """An error answer of LiveKit's API."""

    code: str  # Twirp's
    message: str
    http_status: int
    sip_status_code: int | None = None
    sip_status: str | None = None

    def __str__(self) -> str:
        if self.sip_status_code is not None:
            return f"SIP {self.sip_status_code} {self.sip_status or ''}".rstrip()
        return f"LiveKit answered HTTP {self.http_status} {self.code}: {self.message}".rstrip(": ")


def read_dial_answer(answer: Answer) -> Refused | Unclear:
    """What an error answer to a dial request means for the call."""
    text = str(answer)
    if answer.sip_status_code is not None:
        return Refused(_by_sip(answer.sip_status_code, answer), text, answer.sip_status_code)
    if answer.http_status == 429:
        return Refused(Outcome.RATE_LIMITED, text)
    if answer.http_status in (401, 403):
        return Refused(Outcome.ERROR, text)
    if answer.code == "canceled" and (outcome := _by_cancellation(answer.message)) is not None:
        return Refused(outcome, text)
    if answer.code in ("failed_precondition", "not_found"):
        return Refused(Outcome.TRUNK_FAILED, text)
    if answer.code == "unavailable" and "no response from servers" in answer.message:
        return Refused(Outcome.ERROR, text)
    if answer.code in ("invalid_argument", "malformed", "bad_route", "unimplemented"):
        return Refused(Outcome.ERROR, text)
    return Unclear(text)


def read_room_answer(answer: Answer) -> Refused:
    """What an error answer to the creation of a room means: nothing was dialed, so it is never unclear."""
    outcome = Outcome.RATE_LIMITED if answer.http_status == 429 else Outcome.ERROR
    return Refused(outcome, str(answer))


def _by_sip(status: int, answer: Answer) -> Outcome:
    said = f"{answer.message} {answer.sip_status or ''}"
    if _OUR_PACE.search(said) and status >= 500:
        return Outcome.RATE_LIMITED
    if "32203" in (answer.sip_status or ""):
        return Outcome.REJECTED
    # Every other status is the trunk's doing: refused credentials, media it can't do, a carrier that is down.
    return _BY_SIP_STATUS.get(status, Outcome.TRUNK_FAILED)


def _by_cancellation(message: str) -> Outcome | None:
    """None: cancelled for another reason ("service shutting down"), and not known how far the dial had come."""
    failed = _TRANSACTION_FAILED.search(message)
    if failed:
        # The number counts the carrier's provisional answers: none means that it never spoke to us.
        return Outcome.TRUNK_FAILED if int(failed[1]) == 0 else Outcome.NO_ANSWER
    return Outcome.NO_ANSWER if _RING_WINDOW_OVER.search(message) else None
