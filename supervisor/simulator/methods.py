"""LiveKit's methods: the message each takes, the grant it needs, what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from livekit.protocol import agent_dispatch, egress, models, room, sip
from livekit.protocol.models import DisconnectReason

from . import auth
from .agents import Agents
from .egress import Egresses
from .rooms import Rooms
from .sip import Telephony
from .twirp import TwirpError


@dataclass(frozen=True)
class Method:
    """One method. `room` names the request's field that holds the room which the grant must be for."""

    request: type[Message]
    grant: auth.Grant
    run: Callable[[Any], Message | Awaitable[Message]]
    room: str | None = None


class Methods:
    """The services, as functions from request to answer."""

    def __init__(self, rooms: Rooms, agents: Agents, telephony: Telephony, egresses: Egresses) -> None:
        self._rooms = rooms
        self._agents = agents
        self._telephony = telephony
        self._egresses = egresses

    def table(self) -> dict[tuple[str, str], Method]:
        """(service, method) → method."""
        admin, create, record = auth.room_admin, auth.video("roomCreate"), auth.video("roomRecord")
        by_identity = room.RoomParticipantIdentity
        return {
            ("RoomService", "CreateRoom"): Method(room.CreateRoomRequest, create, self._create_room),
            ("RoomService", "ListRooms"): Method(room.ListRoomsRequest, auth.video("roomList"), self._list_rooms),
            ("RoomService", "DeleteRoom"): Method(room.DeleteRoomRequest, create, self._delete_room),
            ("RoomService", "UpdateRoomMetadata"): Method(
                room.UpdateRoomMetadataRequest, admin, self._update_room_metadata, "room"
            ),
            ("RoomService", "ListParticipants"): Method(
                room.ListParticipantsRequest, admin, self._list_participants, "room"
            ),
            ("RoomService", "GetParticipant"): Method(by_identity, admin, self._get_participant, "room"),
            ("RoomService", "RemoveParticipant"): Method(by_identity, admin, self._remove_participant, "room"),
            ("RoomService", "UpdateParticipant"): Method(
                room.UpdateParticipantRequest, admin, self._update_participant, "room"
            ),
            ("SIP", "CreateSIPParticipant"): Method(
                sip.CreateSIPParticipantRequest, auth.sip("call"), self._telephony.create_participant
            ),
            ("SIP", "ListSIPOutboundTrunk"): Method(
                sip.ListSIPOutboundTrunkRequest, auth.sip("admin"), self._list_trunks
            ),
            ("Egress", "StartRoomCompositeEgress"): Method(
                egress.RoomCompositeEgressRequest, record, self._egresses.start
            ),
            ("Egress", "ListEgress"): Method(egress.ListEgressRequest, record, self._list_egress),
            ("Egress", "StopEgress"): Method(egress.StopEgressRequest, record, self._stop_egress),
            ("AgentDispatchService", "CreateDispatch"): Method(
                agent_dispatch.CreateAgentDispatchRequest, admin, self._create_dispatch, "room"
            ),
            ("AgentDispatchService", "ListDispatch"): Method(
                agent_dispatch.ListAgentDispatchRequest, admin, self._list_dispatch, "room"
            ),
            ("AgentDispatchService", "DeleteDispatch"): Method(
                agent_dispatch.DeleteAgentDispatchRequest, admin, self._delete_dispatch, "room"
            ),
        }

    def _create_room(self, request: room.CreateRoomRequest) -> models.Room:
        if request.egress.HasField("participant") or request.egress.HasField("tracks"):
            raise TwirpError("unimplemented", "the simulator records whole rooms only")
        made, is_new = self._rooms.create(request)
        if is_new:
            self._agents.room_created(made, list(request.agents))
            if request.egress.HasField("room"):
                request.egress.room.room_name = request.name
                # When this fails the room stays, and creating it again succeeds, without a recording.
                self._egresses.start(request.egress.room)
        return made.info

    def _list_rooms(self, request: room.ListRoomsRequest) -> room.ListRoomsResponse:
        return room.ListRoomsResponse(rooms=self._rooms.list(list(request.names)))

    def _delete_room(self, request: room.DeleteRoomRequest) -> room.DeleteRoomResponse:
        self._rooms.close(self._rooms.get(request.room), DisconnectReason.ROOM_DELETED)
        return room.DeleteRoomResponse()

    def _update_room_metadata(self, request: room.UpdateRoomMetadataRequest) -> models.Room:
        info = self._rooms.get(request.room).info
        info.metadata = request.metadata
        return info

    def _list_participants(self, request: room.ListParticipantsRequest) -> room.ListParticipantsResponse:
        found = self._rooms.find(request.room)
        participants = [p.info for p in found.participants.values()] if found else []
        return room.ListParticipantsResponse(participants=participants)

    def _get_participant(self, request: room.RoomParticipantIdentity) -> models.ParticipantInfo:
        return self._rooms.participant(request.room, request.identity)[1].info

    def _remove_participant(self, request: room.RoomParticipantIdentity) -> room.RemoveParticipantResponse:
        found, _ = self._rooms.participant(request.room, request.identity)
        self._rooms.leave(found, request.identity, DisconnectReason.PARTICIPANT_REMOVED)
        return room.RemoveParticipantResponse()

    def _update_participant(self, request: room.UpdateParticipantRequest) -> models.ParticipantInfo:
        info = self._rooms.participant(request.room, request.identity)[1].info
        info.metadata = request.metadata or info.metadata
        info.name = request.name or info.name
        for key, value in request.attributes.items():
            # An empty value takes an attribute away.
            if value:
                info.attributes[key] = value
            else:
                info.attributes.pop(key, None)
        return info

    def _list_trunks(self, request: sip.ListSIPOutboundTrunkRequest) -> sip.ListSIPOutboundTrunkResponse:
        return sip.ListSIPOutboundTrunkResponse(items=self._telephony.list_trunks(list(request.trunk_ids)))

    def _list_egress(self, request: egress.ListEgressRequest) -> egress.ListEgressResponse:
        found = self._egresses.list(request.room_name, request.egress_id, request.active)
        return egress.ListEgressResponse(items=found)

    def _stop_egress(self, request: egress.StopEgressRequest) -> egress.EgressInfo:
        return self._egresses.stop(request.egress_id)

    def _create_dispatch(self, request: agent_dispatch.CreateAgentDispatchRequest) -> agent_dispatch.AgentDispatch:
        found, _ = self._rooms.create(room.CreateRoomRequest(name=request.room))
        return self._agents.create(found, request)

    def _list_dispatch(
        self, request: agent_dispatch.ListAgentDispatchRequest
    ) -> agent_dispatch.ListAgentDispatchResponse:
        found = self._agents.list(request.room, request.dispatch_id)
        return agent_dispatch.ListAgentDispatchResponse(agent_dispatches=found)

    def _delete_dispatch(self, request: agent_dispatch.DeleteAgentDispatchRequest) -> agent_dispatch.AgentDispatch:
        return self._agents.delete(request.room, request.dispatch_id)
