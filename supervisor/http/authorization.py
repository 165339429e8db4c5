"""Who may ask: whoever has the bearer token. What is not open to all is protected, a route that is added included."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from hmac import compare_digest

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from supervisor.http.problems import problem

_NO_TOKEN = "no token is configured: give one as CAMPAIGND_HTTP_TOKEN or credential http_token"


def bearer_token(token: str | None, open_paths: Collection[str]) -> Middleware:
    """A middleware that lets through what is asked of `open_paths`, and everything that carries `token`. Without a
    token nobody is let through to the rest."""

    @web.middleware
    async def authorize(request: web.Request, handler: Handler) -> web.StreamResponse:
        refused = request.match_info.http_exception
        if request.path in open_paths or (refused is not None and refused.status == 404):
            return await handler(request)
        if token is None:
            return _unauthorized(_NO_TOKEN)
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not _same(given.strip(), token):
            return _unauthorized("a bearer token is needed" if not scheme else "wrong bearer token")
        return await handler(request)

    return authorize


def _same(given: str, token: str) -> bool:
    """Takes as long for any two: digests are of one length, and compared to their end."""
    return compare_digest(*(sha256(text.encode("utf-8", "surrogateescape")).digest() for text in (given, token)))


def _unauthorized(reason: str) -> web.Response:
    return problem(401, "unauthorized", reason, {"WWW-Authenticate": "Bearer"})
