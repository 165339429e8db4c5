"""How large the head of a request may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.typedefs import Handler

from supervisor.http.problems import problem

LARGEST_FIELD = 8190
"""Bytes of one header, and of the request's first line."""
LARGEST_HEAD = 32 * 1024
"""Bytes of all headers."""
MOST_HEADERS = 100

_TOO_LARGE = "Request header fields too large"


@web.middleware
async def bound_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a request with too many headers, or too large ones in all."""
    headers = request.raw_headers
    if len(headers) > MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > LARGEST_HEAD:
        return problem(431, _TOO_LARGE, f"{MOST_HEADERS} headers and {LARGEST_HEAD} bytes of them at most")
    return await handler(request)


class Connection(web.RequestHandler):
    """A client's connection: what is no readable request is answered in JSON, too, and is no error of ours."""

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        answer = (
            problem(431, _TOO_LARGE, f"a line has {LARGEST_FIELD} bytes at most")
            if isinstance(exc, LineTooLong)
            else problem(400, "Malformed request", "not HTTP as it is understood here")
        )
        answer.force_close()
        return answer


CONNECTION: Mapping[str, Any] = {
    "max_line_size": LARGEST_FIELD,
    "max_field_size": LARGEST_FIELD,
    # A few more than are allowed, so that who sends them is told so.
    "max_headers": MOST_HEADERS + 28,
    "access_log": None,
}
"""What a Connection is made with."""
