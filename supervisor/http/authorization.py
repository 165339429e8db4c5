"""Who may ask: whoever has the bearer token. What is not open to all is protected, a route that is added included.

A browser can't be made to send a bearer token, and a token in an address would be kept in histories and logs. So a page
takes it as the password of HTTP's Basic scheme, which browsers ask for by themselves, with any user's name; pages only,
for a browser sends a password along wherever a stranger's page has it send a request. Where no token is configured, a
page is shown to this machine's own browsers: to who connects from a loopback address, and asks for a loopback name (a
stranger's name may be made to lead here), and has not come through a proxy that says so. A proxy which says nothing of
whom it asks for can't be told from a browser: who runs one configures a token.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Collection
from hashlib import sha256
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from supervisor.http.problems import problem

_NO_TOKEN = "no token is configured: give one as CAMPAIGND_HTTP_TOKEN or credential http_token"
_OF_PROXIES = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
_BEARER = "Bearer"
_BASIC = 'Basic realm="campaignd: the token is the password", charset="UTF-8"'


def bearer_token(token: str | None, open_paths: Collection[str], pages: Collection[str]) -> Middleware:
    """A middleware that lets through what is asked of `open_paths`, and everything that carries `token`. Without a
    token nobody is let through to the rest, but to `pages` from this machine."""

    @web.middleware
    async def authorize(request: web.Request, handler: Handler) -> web.StreamResponse:
        refused = request.match_info.http_exception
        if request.path in open_paths or (refused is not None and refused.status == 404):
            return await handler(request)
        is_page = request.path in pages
        if token is None:
            if is_page and _is_from_here(request):
                return await handler(request)
            return _unauthorized(_NO_TOKEN, _BEARER)
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if is_page and scheme.lower() == "basic":
            given = _password(given)
        elif scheme.lower() != "bearer":
            given = ""
        if not _same(given.strip(), token):
            wanted = "a bearer token is needed" if not scheme else "wrong bearer token"
            return _unauthorized(wanted, _BASIC if is_page else _BEARER)
        return await handler(request)

    return authorize


def _is_from_here(request: web.Request) -> bool:
    """Whether a program of this machine asks, for an address of this machine."""
    if any(name in request.headers for name in _OF_PROXIES):
        return False
    try:
        host = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return False
    return _is_loopback(request.remote or "") and (host == "localhost" or _is_loopback(host))


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_loopback


def _password(given: str) -> str:
    """Of Basic credentials; empty when they are none."""
    try:
        return b64decode(given.strip(), validate=True).decode().partition(":")[2]
    except (NotBase64, ValueError):
        return ""


def _same(given: str, token: str) -> bool:
    """Takes as long for any two: digests are of one length, and compared to their end."""
    return compare_digest(*(sha256(text.encode("utf-8", "surrogateescape")).digest() for text in (given, token)))


def _unauthorized(reason: str, challenge: str) -> web.Response:
    return problem(401, "unauthorized", reason, {"WWW-Authenticate": challenge})
