"""Voice agents: dispatches, the jobs that come of them, and the agents that join and leave.

The agent's contract, as ours keeps it: it finds its metadata in the job, reports a voicemail by setting its own
participant attribute `campaignd.outcome` to `voicemail`, and leaves some seconds after the callee did.
"""

from __future__ import annotations

import asyncio

from livekit.protocol.agent import Job, JobState, JobStatus, JobType
from livekit.protocol.agent_dispatch import (
    AgentDispatch,
    AgentDispatchState,
    CreateAgentDispatchRequest,
    RoomAgentDispatch,
)
from livekit.protocol.models import DisconnectReason, ParticipantInfo

from .knobs import Board
from .rooms import Room, Rooms
from .timeline import Timeline, new_id
from .twirp import TwirpError, no_response

OUTCOME_ATTRIBUTE = "campaignd.outcome"


class Agents:
    """Dispatches agents to rooms."""

    def __init__(self, timeline: Timeline, board: Board, rooms: Rooms) -> None:
        self._timeline = timeline
        self._board = board
        self._rooms = rooms

    def room_created(self, room: Room, wanted: list[RoomAgentDispatch]) -> None:
        """Dispatch the agents a new room was created with; without any, the unnamed one, if there is one."""
        for one in wanted:
            self._dispatch(
                room, AgentDispatch(agent_name=one.agent_name, metadata=one.metadata, attributes=one.attributes)
            )
        if not wanted and self._board.knobs.unnamed_agent_worker:
            self._dispatch(room, AgentDispatch())

    def create(self, room: Room, request: CreateAgentDispatchRequest) -> AgentDispatch:
        """One more agent for a room; each call adds one."""
        return self._dispatch(
            room, AgentDispatch(agent_name=request.agent_name, metadata=request.metadata, attributes=request.attributes)
        )

    def list(self, room_name: str, dispatch_id: str) -> list[AgentDispatch]:
        """A room's dispatches, or the one of that id. Raises unavailable when there is no such room."""
        dispatches = self._room(room_name).dispatches
        if not dispatch_id:
            return list(dispatches.values())
        return [dispatches[dispatch_id]] if dispatch_id in dispatches else []

    def delete(self, room_name: str, dispatch_id: str) -> AgentDispatch:
        """Take a dispatch back; its agents leave. Raises not_found, or unavailable when there is no such room."""
        room = self._room(room_name)
        dispatch = room.dispatches.pop(dispatch_id, None)
        if dispatch is None:
            raise TwirpError("not_found", "dispatch ID not found")
        for job in dispatch.state.jobs:
            if job.state.participant_identity in room.participants:
                self._rooms.leave(room, job.state.participant_identity, DisconnectReason.PARTICIPANT_REMOVED)
        return dispatch

    def room_deserted(self, room: Room) -> None:
        """The callee has left: so will the agents, soon."""

        def leave() -> None:
            if not room.closed and room.deserted:
                self.leave(room)

        self._timeline.later(self._board.knobs.agent_lingers_s, leave)

    def leave(self, room: Room) -> None:
        """All agents leave the room."""
        for agent in list(room.agents()):
            self._rooms.leave(room, agent.info.identity, DisconnectReason.CLIENT_INITIATED)

    def report(self, room: Room, outcome: str) -> None:
        """The agents set their attribute; no webhook tells of it."""
        for agent in room.agents():
            agent.info.attributes[OUTCOME_ATTRIBUTE] = outcome

    def _room(self, name: str) -> Room:
        # A dispatch is asked of the node that has the room; where there is no room nobody answers.
        room = self._rooms.find(name)
        if room is None:
            raise no_response()
        return room

    def _dispatch(self, room: Room, dispatch: AgentDispatch) -> AgentDispatch:
        dispatch.id = new_id("AD_")
        dispatch.room = room.name
        dispatch.state.CopyFrom(AgentDispatchState(created_at=self._timeline.nanoseconds()))
        room.dispatches[dispatch.id] = dispatch
        if self._board.knobs.agent_worker:
            self._timeline.spawn(self._work(room, dispatch))
        return dispatch

    async def _work(self, room: Room, dispatch: AgentDispatch) -> None:
        job = dispatch.state.jobs.add()
        job.CopyFrom(
            Job(
                id=new_id("AJ_"),
                dispatch_id=dispatch.id,
                type=JobType.JT_ROOM,
                room=room.info,
                metadata=dispatch.metadata,
                agent_name=dispatch.agent_name,
                attributes=dispatch.attributes,
                state=JobState(status=JobStatus.JS_PENDING, updated_at=self._timeline.nanoseconds()),
            )
        )
        dial_by = asyncio.get_running_loop().time() + self._board.knobs.dialed_within_real_s
        await self._timeline.sleep(self._board.knobs.agent_join_s)
        if not room.dialed.is_set() and (patience := dial_by - asyncio.get_running_loop().time()) > 0:
            await _wait_for(room.dialed, patience)
        if room.closed or dispatch.id not in room.dispatches or not room.agents_join:
            return

        def left(reason: DisconnectReason) -> None:
            job.state.status = JobStatus.JS_SUCCESS
            job.state.ended_at = job.state.updated_at = self._timeline.nanoseconds()

        info = ParticipantInfo(identity=f"agent-{job.id}", kind=ParticipantInfo.AGENT)
        info.attributes["lk.agent.state"] = "listening"
        job.state.status = JobStatus.JS_RUNNING
        job.state.participant_identity = info.identity
        job.state.started_at = job.state.updated_at = self._timeline.nanoseconds()
        self._rooms.join(room, info, left)


async def _wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event came within so many real seconds."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
