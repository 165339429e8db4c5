"""From what LiveKit answers to an outcome and whose fault it was: the table of shared/facts/livekit.md, as one plain
function.

The SIP status comes first, never the Twirp code, which changed between server versions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from actors.blame import Fault
from actors.dialer.messages import Refused, Unclear
from actors.foreign_text import keepable
from actors.outcomes import Outcome

Reading = tuple[Outcome, Fault]

_NO_ANSWER = (Outcome.NO_ANSWER, Fault.CALLEE)
_TRUNK_FAILED = (Outcome.TRUNK_FAILED, Fault.TRUNK)
_UNWANTED = (Outcome.REJECTED, Fault.UNWANTED)
_BY_SIP_STATUS: dict[int, Reading] = {
    **dict.fromkeys((486, 600), (Outcome.BUSY, Fault.CALLEE)),
    **dict.fromkeys((480, 408, 487), _NO_ANSWER),
    **dict.fromkeys((404, 410, 484, 485, 604), (Outcome.INVALID_NUMBER, Fault.LIST)),
    603: (Outcome.REJECTED, Fault.CALLEE),
    **dict.fromkeys((607, 608), _UNWANTED),
}

_TOO_FAST = re.compile(r"cps limit exceeded", re.IGNORECASE)
_TOO_MANY = re.compile(r"concurrent call limit exceeded", re.IGNORECASE)
_RING_WINDOW_OVER = re.compile(r"sip request timed out|cancell?ed$", re.IGNORECASE)
_TRANSACTION_FAILED = re.compile(r"transaction failed to complete \((\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """An error answer of LiveKit's API; as a text it is kept, and shown to people."""

    code: str  # Twirp's
    message: str
    http_status: int
    sip_status_code: int | None = None
    sip_status: str | None = None

    def __str__(self) -> str:
        if self.sip_status_code is not None:
            said = f"SIP {self.sip_status_code} {self.sip_status or ''}".rstrip()
        else:
            said = f"LiveKit answered HTTP {self.http_status} {self.code}: {self.message}".rstrip(": ")
        return keepable(said)


def read_dial_answer(answer: Answer) -> Refused | Unclear:
    """What an error answer to a dial request means for the call."""
    reading = _read(answer)
    if reading is None:
        return Unclear(str(answer), Fault.LIVEKIT)
    outcome, fault = reading
    return Refused(outcome, str(answer), answer.sip_status_code, fault)


def read_room_answer(answer: Answer) -> Refused:
    """What an error answer to the creation of a room means: nothing was dialed, so it is never unclear. A request that
    LiveKit does not accept was wrong in itself: nobody's fault but ours, and the next campaign's may be right."""
    if answer.http_status == 429:
        return Refused(Outcome.RATE_LIMITED, str(answer), fault=Fault.PACE)
    fault = None if answer.http_status == 400 else Fault.LIVEKIT
    return Refused(Outcome.ERROR, str(answer), fault=fault)


def _read(answer: Answer) -> Reading | None:
    """None: it is not known how far the dial had come."""
    if answer.sip_status_code is not None:
        return _by_sip(answer.sip_status_code, answer)
    if answer.http_status == 429:
        return Outcome.RATE_LIMITED, Fault.PACE
    if answer.http_status in (401, 403):
        return Outcome.ERROR, Fault.LIVEKIT
    if answer.code == "canceled":
        return _by_cancellation(answer.message)
    if answer.code in ("failed_precondition", "not_found"):
        return _TRUNK_FAILED
    if answer.code == "unavailable" and "no response from servers" in answer.message:
        return Outcome.ERROR, Fault.LIVEKIT
    if answer.code in ("bad_route", "unimplemented"):
        return Outcome.ERROR, Fault.LIVEKIT
    if answer.code in ("invalid_argument", "malformed"):
        # Numbers are checked before they are dialed: what LiveKit does not accept is how the trunk is configured.
        return Outcome.ERROR, Fault.TRUNK
    return None


def _by_sip(status: int, answer: Answer) -> Reading:
    said = f"{answer.message} {answer.sip_status or ''}"
    if status >= 500 and _TOO_FAST.search(said):
        return Outcome.RATE_LIMITED, Fault.PACE
    if status >= 500 and _TOO_MANY.search(said):
        return Outcome.RATE_LIMITED, Fault.CONCURRENCY
    if "32203" in (answer.sip_status or ""):
        return _UNWANTED
    # Every other status is the trunk's doing: refused credentials, media it can't do, a carrier that is down.
    return _BY_SIP_STATUS.get(status, _TRUNK_FAILED)


def _by_cancellation(message: str) -> Reading | None:
    """None: cancelled for another reason ("service shutting down")."""
    failed = _TRANSACTION_FAILED.search(message)
    if failed:
        # The number counts the carrier's provisional answers: none means that it never spoke to us.
        return _TRUNK_FAILED if int(failed[1]) == 0 else _NO_ANSWER
    return _NO_ANSWER if _RING_WINDOW_OVER.search(message) else None
