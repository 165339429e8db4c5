"""Rooms and who is in them: joining, leaving, and the rooms that close themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from livekit.protocol import models, room
from livekit.protocol.agent_dispatch import AgentDispatch
from livekit.protocol.models import DisconnectReason, ParticipantInfo

from .timeline import Timeline, new_id
from .twirp import TwirpError
from .webhooks import Webhooks

EMPTY_TIMEOUT_S = 300
DEPARTURE_TIMEOUT_S = 20
LONGEST_NAME = 256

OnLeave = Callable[[DisconnectReason], None]


@dataclass(eq=False)
class Participant:
    """One participant; `on_leave` is told when it has left, whoever made it leave."""

    info: ParticipantInfo
    on_leave: OnLeave | None = None

    @property
    def holds_room(self) -> bool:
        """Agents and recorders don't keep a room open."""
        return self.info.kind not in (ParticipantInfo.AGENT, ParticipantInfo.EGRESS)


@dataclass(eq=False)
class Room:
    """A room that is open, or was."""

    info: models.Room
    participants: dict[str, Participant] = field(default_factory=dict)
    dispatches: dict[str, AgentDispatch] = field(default_factory=dict)
    # Set when somebody other than an agent first joins.
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    # Set when a phone is first called from here.
    dialed: asyncio.Event = field(default_factory=asyncio.Event)
    # Set while an agent is here.
    attended: asyncio.Event = field(default_factory=asyncio.Event)
    # False while a call is in this room that no agent is to join.
    agents_join: bool = True
    closed: bool = False
    _call_off_closing: Callable[[], None] | None = None

    @property
    def name(self) -> str:
        """Its name, unique among the open rooms."""
        return self.info.name

    @property
    def deserted(self) -> bool:
        """Whether nobody is in it but agents and recorders."""
        return not any(p.holds_room for p in self.participants.values())

    def agents(self) -> Iterator[Participant]:
        """The agents in it."""
        return (p for p in self.participants.values() if p.info.kind == ParticipantInfo.AGENT)


class Rooms:
    """All open rooms. `on_deserted` and `on_closed` are told of what happens to them."""

    def __init__(self, timeline: Timeline, webhooks: Webhooks) -> None:
        self._timeline = timeline
        self._webhooks = webhooks
        self._open: dict[str, Room] = {}
        self.on_deserted: Callable[[Room], None] = lambda room: None
        self.on_closed: Callable[[Room], None] = lambda room: None

    def __len__(self) -> int:
        return len(self._open)

    def create(self, request: room.CreateRoomRequest) -> tuple[Room, bool]:
        """The room of that name, and whether it is new. An open one is left as it is, whatever else is asked for."""
        if (existing := self._open.get(request.name)) is not None:
            return existing, False
        if not request.name:
            raise TwirpError("invalid_argument", "no room name")
        if len(request.name) > LONGEST_NAME:
            raise TwirpError("invalid_argument", f"room name length exceeds limits: max length {LONGEST_NAME}")
        info = models.Room(
            sid=new_id("RM_"),
            name=request.name,
            empty_timeout=request.empty_timeout or EMPTY_TIMEOUT_S,
            departure_timeout=request.departure_timeout or DEPARTURE_TIMEOUT_S,
            max_participants=request.max_participants,
            creation_time=self._timeline.seconds(),
            creation_time_ms=self._timeline.milliseconds(),
            metadata=request.metadata,
        )
        made = self._open[request.name] = Room(info)
        self._webhooks.room("room_started", info)
        self._close_later(made, info.empty_timeout)
        return made, True

    def get(self, name: str) -> Room:
        """The open room of that name. Raises not_found."""
        try:
            return self._open[name]
        except KeyError:
            raise TwirpError("not_found", "requested room does not exist") from None

    def find(self, name: str) -> Room | None:
        """The open room of that name, if there is one."""
        return self._open.get(name)

    def list(self, names: list[str]) -> list[models.Room]:
        """The open rooms, or those of them that have these names."""
        if not names:
            return [r.info for r in self._open.values()]
        return [self._open[name].info for name in names if name in self._open]

    def join(self, room: Room, info: ParticipantInfo, on_leave: OnLeave | None = None) -> Participant:
        """Let a participant in; one of the same identity has to go. Raises when the room is full."""
        if room.closed:
            raise TwirpError("not_found", "requested room does not exist")
        if info.identity in room.participants:
            self.leave(room, info.identity, DisconnectReason.DUPLICATE_IDENTITY)
        participant = Participant(info, on_leave)
        others = sum(p.holds_room for p in room.participants.values())
        if participant.holds_room and room.info.max_participants and others >= room.info.max_participants:
            raise TwirpError("internal", "update room failed: could not connect: room is full")
        info.sid = new_id("PA_")
        info.state = ParticipantInfo.ACTIVE
        info.joined_at = self._timeline.seconds()
        info.joined_at_ms = self._timeline.milliseconds()
        room.participants[info.identity] = participant
        room.info.num_participants += 1
        if participant.holds_room:
            room.entered.set()
            if room._call_off_closing is not None:
                room._call_off_closing()
        if info.kind == ParticipantInfo.AGENT:
            room.attended.set()
        self._webhooks.room("participant_joined", room.info, info)
        return participant

    def participant(self, room_name: str, identity: str) -> tuple[Room, Participant]:
        """A participant and its room. Raises not_found."""
        room = self._open.get(room_name)
        participant = room.participants.get(identity) if room else None
        if room is None or participant is None:
            raise TwirpError("not_found", "participant does not exist")
        return room, participant

    def leave(self, room: Room, identity: str, reason: DisconnectReason) -> None:
        """A participant leaves, or is made to."""
        participant = room.participants.pop(identity)
        room.info.num_participants -= 1
        participant.info.state = ParticipantInfo.DISCONNECTED
        participant.info.disconnect_reason = reason
        self._webhooks.room("participant_left", room.info, participant.info)
        if not any(room.agents()):
            room.attended.clear()
        if participant.on_leave is not None:
            participant.on_leave(reason)
        if room.closed or not room.deserted:
            return
        if room.entered.is_set():
            self._close_later(room, room.info.departure_timeout)
            self.on_deserted(room)

    def close(self, room: Room, reason: DisconnectReason) -> None:
        """Close a room: everybody leaves for `reason`."""
        if room.closed:
            return
        room.closed = True
        if room._call_off_closing is not None:
            room._call_off_closing()
        for identity in list(room.participants):
            self.leave(room, identity, reason)
        del self._open[room.name]
        self.on_closed(room)
        self._webhooks.room("room_finished", room.info)

    def _close_later(self, room: Room, seconds: float) -> None:
        if room._call_off_closing is not None:
            room._call_off_closing()
        room._call_off_closing = self._timeline.later(seconds, lambda: self.close(room, DisconnectReason.ROOM_CLOSED))
