"""Who may call what: access tokens (JWT, HS256) and the grants in them, as LiveKit's middleware checks them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jwt

from .twirp import TwirpError

LEEWAY_S = 60

Claims = Mapping[str, Any]
# Says whether these claims allow a request that concerns this room ("" when it concerns none).
Grant = Callable[[Claims, str], bool]


class BadTokenError(Exception):
    """The token itself is no good; LiveKit answers 401 with this text, not with Twirp's JSON."""


class TokenVerifier:
    """Verifies access tokens made with one API key and secret."""

    def __init__(self, api_key: str, api_secret: str) -> None:
        self._api_key = api_key
        self._key = hmac_key(api_secret)

    def claims(self, authorization: str | None) -> Claims:
        """The claims of an `Authorization` header; none when there is no header. Raises BadTokenError."""
        if not authorization:
            return {}
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer":
            raise BadTokenError("invalid authorization header. Must start with Bearer ")
        try:
            claims: Claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                issuer=self._api_key,
                leeway=LEEWAY_S,
                options={"require": ["exp"]},
            )
        except jwt.InvalidIssuerError as error:
            raise BadTokenError("invalid API key") from error
        except jwt.InvalidTokenError as error:
            raise BadTokenError(f"invalid authorization token: {error}") from error
        return claims


def hmac_key(api_secret: str) -> bytes:
    """The secret as a key that PyJWT takes without a warning: HMAC fills up short keys with zeros in any case."""
    return api_secret.encode().ljust(32, b"\0")


def video(name: str) -> Grant:
    """A grant for the whole project: `roomCreate`, `roomList`, `roomRecord`."""
    return lambda claims, room: _has(claims, "video", name)


def room_admin(claims: Claims, room: str) -> bool:
    """The grant for one room: `roomAdmin` together with that room's name."""
    return _has(claims, "video", "roomAdmin") and claims["video"].get("room", "") == room


def sip(name: str) -> Grant:
    """A grant for telephony: `call`, `admin`."""
    return lambda claims, room: _has(claims, "sip", name)


def permission_denied() -> TwirpError:
    """A token that is good but has not the grant."""
    return TwirpError("unauthenticated", "permissions denied", rpc=False)


def _has(claims: Claims, section: str, name: str) -> bool:
    grants = claims.get(section)
    return isinstance(grants, dict) and grants.get(name) is True
