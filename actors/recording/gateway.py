"""Asks LiveKit for recordings: to make one, and what became of it.

The client's traps are those of `actors.dialer.gateway` (measured: shared/facts/livekit.md): no time limit of its own,
requests that it repeats, answers that are none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import aiohttp
from livekit import api

from actors.actor import describe
from actors.addresses import RECORDING, Directory
from actors.call import room_name
from actors.livekit import FAILURES, Loop, said
from actors.recording.egress import best
from actors.recording.messages import (
    EgressFound,
    EgressLookFailed,
    EgressNotStarted,
    EgressStarted,
    GatewayBroken,
)
from actors.recording.places import egress_path

TIMEOUT_S = 10.0
TRIES = 3
"""Requests for one recording in a row; between two it is looked whether one has come of the first."""
_CONNECTIONS = 50


class EgressGateway:
    """Asks on behalf of the recordings' actor and tells it what came back. Methods return at once and never raise; each
    ends in exactly one message, within real seconds. LiveKit writes to `source` with its own credentials: it is told
    the path in it alone."""

    def __init__(
        self,
        loop: Loop,
        directory: Directory,
        url: str,
        api_key: str,
        api_secret: str,
        source: str,
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._loop = loop
        self._directory = directory
        self._url, self._api_key, self._api_secret = url, api_key, api_secret
        self._source = source
        self._timeout_s = timeout_s

    async def open(self) -> None:
        """Make the session, on the loop."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS))
        self._client = api.LiveKitAPI(self._url, self._api_key, self._api_secret, session=self._session, failover=False)

    async def close(self) -> None:
        """Close the session. Recordings go on."""
        await self._session.close()

    def record(self, call_id: UUID, *, look_first: bool) -> None:
        """Have the call's room recorded: `EgressStarted` or `EgressNotStarted`. `look_first`: it may have been asked
        for before."""
        self._loop.begin(self._tell(self._record(call_id, look_first)))

    def find_egress(self, call_id: UUID) -> None:
        """What became of the call's recording: `EgressFound` or `EgressLookFailed`."""
        self._loop.begin(self._tell(self._find(call_id)))

    async def _tell(self, work: Coroutine[Any, Any, object]) -> None:
        message: object
        try:
            message = await work
        except Exception as error:  # noqa: BLE001 - a bug here is the actor's death, never its silence
            message = GatewayBroken(describe(error))
        self._directory.tell(RECORDING, message)

    async def _record(self, call_id: UUID, look_first: bool) -> EgressStarted | EgressNotStarted:
        error = "it was not asked"
        for attempt in range(TRIES):
            if look_first or attempt > 0:
                found = await self._find(call_id)
                if isinstance(found, EgressLookFailed):
                    error = found.error
                    continue
                if found.egress is not None:
                    return EgressStarted(call_id, found.egress.egress_id)
            try:
                async with asyncio.timeout(self._timeout_s):
                    info = await self._client.egress.start_room_composite_egress(self._request(call_id))
                return EgressStarted(call_id, info.egress_id)
            except FAILURES as failure:
                error = said(failure)
                if isinstance(failure, api.ServerError) and failure.code == "not_found":
                    return EgressNotStarted(call_id, error, room_gone=True)
        return EgressNotStarted(call_id, error, room_gone=False)

    async def _find(self, call_id: UUID) -> EgressFound | EgressLookFailed:
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client.egress.list_egress(api.ListEgressRequest(room_name=room_name(call_id)))
        except FAILURES as error:
            return EgressLookFailed(call_id, said(error))
        return EgressFound(call_id, best(answer.items))

    def _request(self, call_id: UUID) -> api.RoomCompositeEgressRequest:
        output = api.EncodedFileOutput(
            file_type=api.EncodedFileType.OGG, filepath=egress_path(self._source, call_id), disable_manifest=True
        )
        return api.RoomCompositeEgressRequest(room_name=room_name(call_id), audio_only=True, file_outputs=[output])
