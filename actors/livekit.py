"""What those who talk to LiveKit share: the loop that they do it on, and what it is called when it fails."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

import aiohttp
from google.protobuf.message import DecodeError
from livekit import api

from actors.foreign_text import keepable

NO_ANSWER = (TimeoutError, aiohttp.ClientError, DecodeError, AttributeError, TypeError)
"""What the client raises where nothing came back that it can read. The last two are for an error answer whose JSON is
no object (a proxy's empty page that calls itself JSON): the client does not expect it."""
FAILURES = (api.ServerError, *NO_ANSWER)
"""The same, and error answers."""


class Loop(Protocol):
    """The event loop thread."""

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Run `work` on the loop, from any thread."""
        ...


def said(error: Exception) -> str:
    """One of FAILURES, for people and to be kept."""
    if isinstance(error, api.ServerError):
        return keepable(f"LiveKit answered HTTP {error.status} {error.code}: {error.message}".rstrip(": "))
    return keepable(f"could not reach LiveKit: {type(error).__name__} {error}".rstrip())
