"""Probes LiveKit and its agents, on the event loop. Nobody is called.

The client has no working time limit and repeats requests on LiveKit Cloud (shared/facts/livekit.md), hence the explicit
limit and `failover=False`; and a session of its own, so that no dial stands in its way.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from typing import Any

import aiohttp
import structlog
from livekit import api

from actors.addresses import BREAKERS, Directory
from actors.breakers.breaker import Result
from actors.breakers.messages import AgentAbsent, AgentSentFor, ProbeAnswered
from actors.livekit import FAILURES, Loop, said

PROBE_TIMEOUT_S = 10.0
_EMPTY_ROOM_TIMEOUT_S = 60

Answer = ProbeAnswered | AgentSentFor | AgentAbsent


class ProbeGateway:
    """Asks LiveKit on behalf of the breakers and tells them what came back (the contract is
    `actors.breakers.probes.Probes`). Methods return at once and never raise; a request ends in one message, within
    its time limit, which is real seconds whatever the clock. An answer that gets lost is a probe that is late."""

    def __init__(
        self,
        loop: Loop,
        directory: Directory,
        url: str,
        api_key: str,
        api_secret: str,
        *,
        timeout_s: float = PROBE_TIMEOUT_S,
    ) -> None:
        self._loop = loop
        self._directory = directory
        self._url, self._api_key, self._api_secret = url, api_key, api_secret
        self._timeout_s = timeout_s
        self._log = structlog.get_logger()

    async def open(self) -> None:
        """Make the session, on the loop."""
        self._session = aiohttp.ClientSession()
        self._client = api.LiveKitAPI(self._url, self._api_key, self._api_secret, session=self._session, failover=False)

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()

    def list_rooms(self, service: str, generation: int) -> None:
        self._loop.begin(self._tell(self._list_rooms(service, generation), service, generation))

    def send_for_agent(self, service: str, generation: int, room: str, agent_name: str, job: Mapping[str, Any]) -> None:
        dispatch = api.RoomAgentDispatch(agent_name=agent_name, metadata=json.dumps(job))
        self._loop.begin(self._tell(self._send_for_agent(service, generation, room, dispatch), service, generation))

    def look_for_agent(self, service: str, generation: int, room: str) -> None:
        self._loop.begin(self._tell(self._look_for_agent(service, generation, room), service, generation))

    def delete_room(self, room: str) -> None:
        self._loop.begin(self._delete_room(room))

    async def _tell(self, work: Coroutine[Any, Any, Answer], service: str, generation: int) -> None:
        message: Answer
        try:
            message = await work
        except Exception as error:  # noqa: BLE001 - a bug here must not leave the breaker half-open
            message = ProbeAnswered(service, generation, Result.NOTHING, said(error))
        self._directory.tell(BREAKERS, message)

    async def _list_rooms(self, service: str, generation: int) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s):
                # A name that no room has: whether it answers is what counts, and a full list may be long.
                await self._client.room.list_rooms(api.ListRoomsRequest(names=["campaignd-probe"]))
        except FAILURES as error:
            busy = isinstance(error, api.ServerError) and error.status == 429
            return ProbeAnswered(service, generation, Result.NOTHING if busy else Result.FAILED, said(error))
        return ProbeAnswered(service, generation, Result.OK)

    async def _send_for_agent(
        self, service: str, generation: int, room: str, dispatch: api.RoomAgentDispatch
    ) -> Answer:
        request = api.CreateRoomRequest(name=room, empty_timeout=_EMPTY_ROOM_TIMEOUT_S, agents=[dispatch])
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._client.room.create_room(request)
        except FAILURES as error:
            return ProbeAnswered(service, generation, Result.NOTHING, said(error))  # LiveKit's failure, not theirs
        return AgentSentFor(service, generation)

    async def _look_for_agent(self, service: str, generation: int, room: str) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client.room.list_participants(api.ListParticipantsRequest(room=room))
        except FAILURES as error:
            return ProbeAnswered(service, generation, Result.NOTHING, said(error))
        if any(participant.kind == api.ParticipantInfo.Kind.AGENT for participant in answer.participants):
            return ProbeAnswered(service, generation, Result.OK)
        return AgentAbsent(service, generation)

    async def _delete_room(self, room: str) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._client.room.delete_room(api.DeleteRoomRequest(room=room))
        except FAILURES as error:
            # Nobody is in it, and it closes by itself after a minute.
            self._log.info("probe_room_not_deleted", room=room, error=said(error))
