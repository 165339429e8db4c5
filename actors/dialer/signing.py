"""LiveKit's client with a signature that serves many requests: to make one takes longer than all the rest of one."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
from livekit import api

ANEW_AFTER_S = 60.0
"""A signature is valid for hours (the client's own time limit). So soon it is made anew, for the clock on the wall may
have been wrong when it was made, or the machine asleep since."""


class SignedClient:
    """Gives out a client for all requests that concern no single room: LiveKit wants to see the room's name in the
    signature of those which do. Belongs to the event loop."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, api_key: str, api_secret: str, stopwatch: Callable[[], float]
    ) -> None:
        """`stopwatch`: real seconds, whatever the clock."""
        self._session = session
        self._url, self._api_key, self._api_secret = url, api_key, api_secret
        self._stopwatch = stopwatch
        self._signed_at = 0.0
        self._client: api.LiveKitAPI | None = None

    def get(self) -> api.LiveKitAPI:
        """The client for the next request; not to be kept."""
        now = self._stopwatch()
        if self._client is None or now - self._signed_at >= ANEW_AFTER_S:
            token = api.AccessToken(self._api_key, self._api_secret)
            token.with_grants(api.VideoGrants(room_create=True, room_list=True))
            token.with_sip_grants(api.SIPGrants(call=True))
            self._client = api.LiveKitAPI.with_token(token.to_jwt(), self._url, session=self._session, failover=False)
            self._signed_at = now
        return self._client
