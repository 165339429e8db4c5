"""Telephony: CreateSIPParticipant and the trunks it dials through."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from livekit.protocol.room import CreateRoomRequest
from livekit.protocol.sip import CreateSIPParticipantRequest, SIPOutboundTrunkInfo, SIPParticipantInfo

from .call import TRUNK_NUMBER, Call, Network
from .twirp import TwirpError


class Telephony:
    """Places calls. Every one is counted in the book."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def create_participant(self, request: CreateSIPParticipantRequest) -> SIPParticipantInfo:
        """Dial. The dial goes on when whoever waits for this goes away; TwirpError says how it failed."""
        self._check(request)
        room, _ = self._network.rooms.create(CreateRoomRequest(name=request.room_name))
        call = Call(self._network, room, request)
        call.start()
        answer = SIPParticipantInfo(
            participant_id=call.participant.info.sid,
            participant_identity=call.participant.info.identity,
            room_name=request.room_name,
            sip_call_id=call.id,
        )
        if request.wait_until_answered:
            error = await asyncio.shield(call.outcome)
            if error is not None:
                raise error
        return answer

    def list_trunks(self, ids: Sequence[str]) -> list[SIPOutboundTrunkInfo]:
        """The trunks of these ids in their order, an empty one for each that is missing; all known ones without ids."""
        known = ids or self._network.board.knobs.trunks or sorted(self._network.book.trunks()) or ("ST_main",)
        return [
            SIPOutboundTrunkInfo(sip_trunk_id=id_, name=id_, address="sip.example.com", numbers=[TRUNK_NUMBER])
            if self._has_trunk(id_)
            else SIPOutboundTrunkInfo()
            for id_ in known
        ]

    def _has_trunk(self, id_: str) -> bool:
        trunks = self._network.board.knobs.trunks
        return id_.startswith("ST_") if trunks is None else id_ in trunks

    def _check(self, request: CreateSIPParticipantRequest) -> None:
        def wrong(message: str) -> TwirpError:
            return TwirpError("invalid_argument", message, rpc=False)

        if not request.sip_trunk_id and not request.HasField("trunk") and not request.sip_number:
            raise wrong("missing sip trunk id and sip number")
        if not request.sip_call_to:
            raise wrong("missing sip callee number")
        if "@" in request.sip_call_to:
            raise wrong("SipCallTo should be a phone number or SIP user, not a full SIP URI")
        if not request.room_name:
            raise wrong("missing room name")
        if request.sip_trunk_id and not self._has_trunk(request.sip_trunk_id):
            raise TwirpError("not_found", "requested sip trunk does not exist", rpc=False)
        if not request.sip_trunk_id and not request.sip_number:
            raise TwirpError("failed_precondition", "no numbers on outbound trunk")
