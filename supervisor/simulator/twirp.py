"""Errors as LiveKit answers them: Twirp's JSON, and what a failed SIP dial puts in it."""

from __future__ import annotations

import json

# Twirp's own table of HTTP statuses.
STATUS = {
    "canceled": 408,
    "unknown": 500,
    "invalid_argument": 400,
    "malformed": 400,
    "deadline_exceeded": 408,
    "not_found": 404,
    "bad_route": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "unauthenticated": 401,
    "resource_exhausted": 429,
    "failed_precondition": 412,
    "aborted": 409,
    "out_of_range": 400,
    "unimplemented": 501,
    "internal": 500,
    "unavailable": 503,
    "dataloss": 500,
}

# What livekit/protocol's sip.go makes of a SIP status (August 2026); other 5xx are failed_precondition too, and
# everything not named is invalid_argument. It changed between versions: clients should look at the SIP status.
_SIP_CODES = {
    401: "permission_denied",
    402: "permission_denied",
    403: "permission_denied",
    404: "not_found",
    407: "unauthenticated",
    408: "deadline_exceeded",
    410: "not_found",
    480: "resource_exhausted",
    486: "resource_exhausted",
    487: "aborted",
    504: "deadline_exceeded",
    505: "invalid_argument",
    513: "invalid_argument",
    600: "resource_exhausted",
    603: "permission_denied",
    604: "not_found",
    607: "permission_denied",
    608: "permission_denied",
}

# The statuses of which the SIP service says "INVITE failed".
_EXPECTED = (400, 404, 480, 486, 488)


class TwirpError(Exception):
    """An error answer. `rpc`: it crossed LiveKit's internal bus, which is where "twirp error unknown:" comes from."""

    def __init__(self, code: str, message: str, meta: dict[str, str] | None = None, *, rpc: bool = True) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = f"twirp error unknown: {message}" if rpc else message
        self.meta = meta or {}

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return STATUS[self.code]

    def short(self) -> str:
        """In two words: "sip 486", "canceled"."""
        code = self.meta.get("sip_status_code")
        return f"sip {code}" if code else self.code

    def body(self) -> bytes:
        """The JSON that goes on the wire."""
        answer: dict[str, object] = {"code": self.code, "msg": self.message}
        if self.meta:
            answer["meta"] = self.meta
        return json.dumps(answer).encode()


def sip_error(code: int, status: str) -> TwirpError:
    """The answer to a dial that ended in the SIP answer `code status`."""
    twirp_code = _SIP_CODES.get(code, "failed_precondition" if 500 <= code < 600 else "invalid_argument")
    what = "INVITE failed" if code in _EXPECTED else "unexpected status from INVITE response"
    meta = {"sip_status_code": str(code), "sip_status": status}
    return TwirpError(twirp_code, f"{what}: sip status: {code}: {status}", meta)


def ring_timed_out() -> TwirpError:
    """The answer to a dial whose ring window is over, or whose participant was removed while it rang."""
    return TwirpError("canceled", "sip request timed out")


def no_response() -> TwirpError:
    """Nobody is there to do it: no such room's node, no SIP or egress worker."""
    return TwirpError("unavailable", "no response from servers")
