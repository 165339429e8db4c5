"""How a request fails when an outage hits it."""

from __future__ import annotations

import json

from aiohttp import web

from .knobs import Outage
from .timeline import Timeline

_CODES = {
    400: "invalid_argument",
    401: "unauthenticated",
    403: "permission_denied",
    404: "not_found",
    408: "deadline_exceeded",
    412: "failed_precondition",
    429: "resource_exhausted",
    500: "internal",
    503: "unavailable",
}
_MESSAGES = {429: "rate limit exceeded", 503: "twirp error unknown: no response from servers"}
_PAGE = "<html><head><title>{0} Bad Gateway</title></head><body><center><h1>{0}</h1></center></body></html>"


async def answer_outage(request: web.Request, outage: Outage, timeline: Timeline) -> web.StreamResponse:
    """Fail a request of which nothing is to be done: `http`, `hang`, `refuse`."""
    if outage.mode == "refuse":
        return close_connection(request)
    if outage.mode == "hang":
        await timeline.forever()
    headers = {"Retry-After": "1"} if outage.status == 429 else None
    if outage.body_kind == "html":
        return web.Response(
            status=outage.status, text=_PAGE.format(outage.status), content_type="text/html", headers=headers
        )
    if outage.body_kind == "text":
        text = "invalid API key" if outage.status == 401 else "unavailable"
        return web.Response(status=outage.status, text=text, headers=headers)
    code = _CODES.get(outage.status, "unknown")
    message = _MESSAGES.get(outage.status, "simulated outage")
    body = json.dumps({"code": code, "msg": message})
    return web.Response(status=outage.status, text=body, content_type="application/json", headers=headers)


def close_connection(request: web.Request) -> web.StreamResponse:
    """Cut the connection; the answer that is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
