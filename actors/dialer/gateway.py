"""The only place that talks to LiveKit: the official client, on the event loop, with the limits it lacks.

The client's own time-outs do not work, it replays dials on LiveKit Cloud, and its pool stops at 100 connections
(measured: shared/facts/livekit.md); hence the explicit time limits, `failover=False` and the two sessions.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import aiohttp
import structlog
from google.protobuf.duration_pb2 import Duration
from livekit import api

from actors.addresses import Address, Directory, dialer_address
from actors.blame import Fault
from actors.call import Call, agent_job
from actors.dialer.answers import Answer, read_dial_answer, read_room_answer
from actors.dialer.messages import (
    Answered,
    GatewayFailed,
    LookFailed,
    Refused,
    Room,
    RoomLooked,
    RoomReady,
    RoomsListed,
    Unclear,
    room_metadata,
)
from actors.dialer.signing import SignedClient
from actors.dialer.webhooks import read_participant
from actors.livekit import NO_ANSWER, Loop
from actors.outcomes import Outcome

CONTROL_TIMEOUT_S = 10.0
"""For every request but a dial: none of them waits for anything but LiveKit itself."""
DIAL_GRACE_S = 15.0
"""On top of the ringing: LiveKit joins the participant to the room before ringing begins."""
DIAL_WITHIN_S = 5.0
"""How old the decision to dial may be at most when the request leaves."""
_EMPTY_ROOM_TIMEOUT_S = 120
"""Agents keep no room open. A call that has its room begins well within this (`actors.dialer.reminders`)."""
_CONTROL_REQUESTS = 100
"""At once, besides dials. What waits for its turn waits for us, not for LiveKit: its time limit has not begun."""


@dataclass(frozen=True)
class Line:
    """A trunk as LiveKit knows it."""

    livekit_trunk_id: str
    from_number: str


class Gateway:
    """Asks LiveKit on behalf of dialers and tells each what came back. Methods return at once and never raise; a
    request ends in exactly one message to the dialer, within its time limit once it is its turn. What comes back for a
    dialer that is gone is logged: whoever resumes its call asks what became of it. Time limits are real seconds,
    whatever the clock."""

    def __init__(
        self,
        loop: Loop,
        directory: Directory,
        url: str,
        api_key: str,
        api_secret: str,
        lines: Mapping[str, Line],
        installation: str,
        *,
        control_timeout_s: float = CONTROL_TIMEOUT_S,
        dial_grace_s: float = DIAL_GRACE_S,
        dial_within_s: float = DIAL_WITHIN_S,
    ) -> None:
        self._loop = loop
        self._directory = directory
        self._url, self._api_key, self._api_secret = url, api_key, api_secret
        self._lines = lines
        self._installation = installation
        self._control_timeout_s, self._dial_grace_s = control_timeout_s, dial_grace_s
        self._dial_within_s = dial_within_s
        self._log = structlog.get_logger()

    async def open(self) -> None:
        """Make the two sessions, on the loop. One for dials, each of which holds a connection for as long as the
        phone rings; one for everything else, so that it never queues behind them."""
        self._dial_session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._control_session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._turns = asyncio.Semaphore(_CONTROL_REQUESTS)
        keys = self._url, self._api_key, self._api_secret
        self._dialing = SignedClient(self._dial_session, *keys, monotonic)
        self._control = SignedClient(self._control_session, *keys, monotonic)
        self._control_of_a_room = api.LiveKitAPI(*keys, session=self._control_session, failover=False)

    async def close(self) -> None:
        """Close the sessions. Phones that ring go on ringing: LiveKit finishes a dial whose asker has left."""
        await self._dial_session.close()
        await self._control_session.close()

    def use_lines(self, lines: Mapping[str, Line]) -> None:
        """Dial by these from now on. Calls may be about to be dialed through a trunk that is not among them any more:
        it stays as it was."""
        self._lines = {**self._lines, **lines}

    def create_room(self, call: Call) -> None:
        """Make the call's room and send for its agent: `RoomReady` or `Refused`."""
        self._submit(call.call_id, self._create_room(call))

    def dial(self, call: Call, decided_at: float) -> None:
        """Dial, and wait until it is answered or not: `Answered`, `Refused` or `Unclear`. To be asked once for a
        call: the server would ring twice. `decided_at` (of the monotonic clock) is when it was certain that this
        process may: one that stood still for long since then does not dial, for another may have taken over."""
        self._submit(call.call_id, self._dial(call, decided_at))

    def look(self, call: Call) -> None:
        """See who is in the call's room: `RoomLooked` or `LookFailed`."""
        self._submit(call.call_id, self._look(call))

    def delete_room(self, room: str) -> None:
        """Close this room, and hang up whoever is in it. Tells nothing: the Reconciler finds one that stays."""
        self._loop.begin(self._delete_room(room))

    def list_rooms(self, asker: Address) -> None:
        """All rooms of calls: `RoomsListed` or `LookFailed`, told to `asker`."""
        self._loop.begin(self._report(asker, self._list_rooms()))

    def _submit(self, call_id: UUID, work: Coroutine[Any, Any, object]) -> None:
        self._loop.begin(self._report(dialer_address(call_id), work))

    async def _report(self, asker: Address, work: Coroutine[Any, Any, object]) -> None:
        message: object
        try:
            message = await work
        except Exception as error:  # noqa: BLE001 - a bug here is the dialer's death, never its silence
            message = GatewayFailed(f"{type(error).__name__}: {error}")
        told = self._directory.tell(asker, message)
        if not told and not isinstance(message, RoomLooked | RoomsListed | LookFailed):
            self._log.warning("gateway_answer_without_asker", asker=asker, answer=type(message).__name__)

    async def _create_room(self, call: Call) -> RoomReady | Refused:
        job = agent_job(
            call.agent_metadata,
            call.call_id,
            call.campaign,
            phone_number=call.phone_number,
            contact_name=call.contact_name,
            contact_data=call.contact_data,
        )
        request = api.CreateRoomRequest(
            name=call.room,
            empty_timeout=_EMPTY_ROOM_TIMEOUT_S,
            metadata=room_metadata(self._installation),
            agents=[api.RoomAgentDispatch(agent_name=call.agent_name, metadata=json.dumps(job))],
        )
        try:
            async with self._turns, asyncio.timeout(self._control_timeout_s):
                await self._control.get().room.create_room(request)
        except api.ServerError as error:
            return read_room_answer(_answer(error))
        except NO_ANSWER as error:
            return Refused(Outcome.ERROR, _transport_error("create the room", error), fault=Fault.LIVEKIT)
        return RoomReady()

    async def _dial(self, call: Call, decided_at: float) -> Answered | Refused | Unclear:
        line = self._lines[call.trunk]
        request = api.CreateSIPParticipantRequest(
            sip_trunk_id=line.livekit_trunk_id,
            sip_number=line.from_number,
            sip_call_to=call.phone_number,
            room_name=call.room,
            participant_identity=call.identity,
            ringing_timeout=_duration(call.ringing_timeout_s),
            max_call_duration=_duration(call.max_call_duration_s),
            wait_until_answered=True,
        )
        limit = call.ringing_timeout_s + self._dial_grace_s
        if monotonic() - decided_at > self._dial_within_s:
            return Refused(
                Outcome.ERROR, "not dialed: this process stood still after it had decided to", fault=Fault.OURS
            )
        try:
            async with asyncio.timeout(limit):
                answer = await self._dialing.get().sip.create_sip_participant(request, timeout=limit)
        except api.ServerError as error:
            return read_dial_answer(_answer(error))
        except aiohttp.ClientConnectorError as error:
            return Refused(Outcome.ERROR, _transport_error("reach LiveKit", error), fault=Fault.LIVEKIT)
        except NO_ANSWER as error:
            return Unclear(_transport_error("dial", error), Fault.LIVEKIT)
        return Answered(answer.sip_call_id)

    async def _look(self, call: Call) -> RoomLooked | LookFailed:
        try:
            async with self._turns, asyncio.timeout(self._control_timeout_s):
                answer = await self._control_of_a_room.room.list_participants(
                    api.ListParticipantsRequest(room=call.room)
                )
        except api.ServerError as error:
            if error.code == "not_found":
                return RoomLooked(())
            return LookFailed(str(_answer(error)))
        except NO_ANSWER as error:
            return LookFailed(_transport_error("list participants", error))
        return RoomLooked(tuple(read_participant(participant) for participant in answer.participants))

    async def _list_rooms(self) -> RoomsListed | LookFailed:
        try:
            async with self._turns, asyncio.timeout(self._control_timeout_s):
                answer = await self._control.get().room.list_rooms(api.ListRoomsRequest())
        except api.ServerError as error:
            return LookFailed(str(_answer(error)))
        except NO_ANSWER as error:
            return LookFailed(_transport_error("list rooms", error))
        # Of ten thousand this takes some hundredths of a second, for which no call can wait.
        return RoomsListed(await asyncio.to_thread(_rooms, answer))

    async def _delete_room(self, room: str) -> None:
        try:
            async with self._turns, asyncio.timeout(self._control_timeout_s):
                await self._control.get().room.delete_room(api.DeleteRoomRequest(room=room))
        except api.ServerError as error:
            if error.code != "not_found":
                self._log.warning("room_not_deleted", room=room, error=str(_answer(error)))
        except NO_ANSWER as error:
            reason = _transport_error("delete the room", error)
            self._log.warning("room_not_deleted", room=room, error=reason)


def _rooms(answer: api.ListRoomsResponse) -> tuple[Room, ...]:
    return tuple(Room(room.name, room.metadata) for room in answer.rooms)


def _answer(error: api.ServerError) -> Answer:
    sip = error if isinstance(error, api.SipCallError) else None
    return Answer(
        code=error.code or "unknown",
        message=error.message or "",
        http_status=error.status,
        sip_status_code=sip.sip_status_code if sip else None,
        sip_status=sip.sip_status if sip else None,
    )


def _transport_error(what: str, error: Exception) -> str:
    return f"could not {what}: {type(error).__name__} {error}".rstrip()


def _duration(seconds: int) -> Duration:
    duration = Duration()
    duration.FromTimedelta(timedelta(seconds=seconds))
    return duration
