"""One call, from joining the room to hanging up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from livekit.protocol.models import DisconnectReason, ParticipantInfo
from livekit.protocol.sip import CreateSIPParticipantRequest

from .agents import Agents
from .behaviours import Answer, Behaviour, Fail, NoAnswer, Numbers, Refuse
from .knobs import Board
from .rings import Book, Ring
from .rooms import Participant, Room, Rooms
from .timeline import Timeline, new_id
from .twirp import TwirpError, ring_timed_out, sip_error

# Simulated seconds.
INVITE_TO_RINGING_S = 0.3
DEFAULT_RINGING_TIMEOUT_S = 180.0
DEFAULT_MAX_CALL_DURATION_S = 24 * 3600.0
LONGEST_WAIT_S = 80.0
# How long an agent listens to a greeting before it knows that it is a machine's.
DETECTION_S = 3.0

TRUNK_NUMBER = "+15550100"
_UNAVAILABLE = (404, 408, 480)


@dataclass(frozen=True)
class Network:
    """What calls are made of: shared by all of them."""

    timeline: Timeline
    board: Board
    rooms: Rooms
    agents: Agents
    numbers: Numbers
    book: Book


class Call:
    """One call. Its participant is in the room from the beginning, before the phone rings.

    `outcome` is set once: None when it is answered, else what a waiting client is told.
    """

    def __init__(self, network: Network, room: Room, request: CreateSIPParticipantRequest) -> None:
        self.id = new_id("SCL_")
        self.outcome: asyncio.Future[TwirpError | None] = asyncio.get_running_loop().create_future()
        self._network = network
        self._timeline = network.timeline
        self._room = room
        self._number = request.sip_call_to
        self._trunk_id = request.sip_trunk_id
        self._ring: Ring | None = None
        self._task: asyncio.Task[None] | None = None
        self._began = self._timeline.elapsed()
        self._ring_window_s = _seconds(request, "ringing_timeout", DEFAULT_RINGING_TIMEOUT_S)
        self._longest_s = _seconds(request, "max_call_duration", DEFAULT_MAX_CALL_DURATION_S)
        self._waits = request.wait_until_answered
        info = ParticipantInfo(
            identity=request.participant_identity or f"sip_{request.sip_call_to}",
            name=request.participant_name,
            metadata=request.participant_metadata,
            kind=ParticipantInfo.SIP,
            attributes=self._attributes(request),
        )
        self.participant: Participant = network.rooms.join(room, info, self._left)

    def start(self) -> None:
        """Go on in the background, to the end of the call."""
        self._task = self._timeline.spawn(self._run())

    async def _run(self) -> None:
        try:
            await self._timeline.sleep(self._network.board.knobs.invite_s)
            behaviour = self._invite()
            if behaviour is None:
                return
            if await self._dial(behaviour) and isinstance(behaviour, Answer):
                await self._converse(behaviour)
        except asyncio.CancelledError:
            # The server goes down: whoever waits loses the connection, and learns nothing.
            self.outcome.cancel()
            raise
        finally:
            self._settle(TwirpError("internal", "the simulator failed"))

    def _invite(self) -> Behaviour | None:
        """Send the INVITE: what the number does, or None when the trunk won't take the call."""
        network, knobs = self._network, self._network.board.knobs
        refusal = network.book.refusal(
            self._trunk_id, self._timeline.elapsed(), knobs.calls_per_second, knobs.max_concurrent_calls
        )
        if refusal:
            self._fail(sip_error(503, refusal), DisconnectReason.USER_REJECTED)
            return None
        nth, behaviour = network.numbers.next_ring(self._number)
        identity = self.participant.info.identity
        self._ring = Ring(self._number, self._room.name, identity, self._trunk_id, self.id, nth, self._timeline.now())
        network.book.begin(self._ring)
        if isinstance(behaviour, Answer) and not behaviour.agent_joins:
            self._room.agents_join = False
            network.agents.leave(self._room)
        self._room.dialed.set()
        return behaviour

    async def _dial(self, behaviour: Behaviour) -> bool:
        """Let it ring; True when it was answered."""
        window_s, over = self._window()
        if isinstance(behaviour, NoAnswer):
            lasts_s, rings = window_s, True
        elif isinstance(behaviour, Answer):
            lasts_s, rings = behaviour.ring_s, True
        else:
            lasts_s, rings = behaviour.after_s, isinstance(behaviour, Refuse) and behaviour.rings
        in_time = lasts_s < window_s
        lasts_s = min(lasts_s, window_s)
        if rings:
            await self._timeline.sleep(min(INVITE_TO_RINGING_S, lasts_s))
            self._status("ringing")
        await self._timeline.sleep(lasts_s - (INVITE_TO_RINGING_S if rings else 0))
        if not in_time or isinstance(behaviour, NoAnswer):
            self._fail(over, DisconnectReason.USER_UNAVAILABLE)
        elif isinstance(behaviour, Answer):
            self._status("active")
            if self._ring is not None:
                self._ring.answered_at = self._timeline.now()
            self._settle(None)
            return True
        elif isinstance(behaviour, Refuse):
            self._fail(sip_error(behaviour.sip_code, behaviour.sip_status), _lossy_reason(behaviour.sip_code))
        elif isinstance(behaviour, Fail):
            self._fail(TwirpError(behaviour.code, behaviour.message), DisconnectReason.CLIENT_INITIATED)
        else:
            message = f"transaction failed to complete ({behaviour.responses} intermediate responses)"
            self._fail(TwirpError("canceled", message), DisconnectReason.USER_UNAVAILABLE)
        return False

    def _window(self) -> tuple[float, TwirpError]:
        """How long it may ring from now on, and what is answered when that is over."""
        left_s = LONGEST_WAIT_S - (self._timeline.elapsed() - self._began)
        if self._waits and left_s < self._ring_window_s:
            return max(0.0, left_s), TwirpError("deadline_exceeded", "request timed out")
        return self._ring_window_s, ring_timed_out()

    async def _converse(self, answer: Answer) -> None:
        """Talk until somebody hangs up; who does it by removing the callee ends this by cancelling it."""
        answered = self._timeline.elapsed()
        talk_s = min(answer.talk_s, self._longest_s - (answered - self._began))
        attended = await self._agent_comes(min(talk_s, self._network.board.knobs.callee_patience_s))
        left_s = talk_s - (self._timeline.elapsed() - answered) if attended else 0.0
        if attended and answer.voicemail:
            detection_s = min(DETECTION_S, left_s / 2)
            await self._timeline.sleep(detection_s)
            self._network.agents.report(self._room, "voicemail")
            left_s -= detection_s
        await self._timeline.sleep(left_s)
        if answer.ended_by == "callee" or not any(self._room.agents()) or talk_s < answer.talk_s:
            self._status("hangup")
            self._leave(DisconnectReason.CLIENT_INITIATED)
        elif answer.ended_by == "agent_deletes_room":
            self._network.rooms.close(self._room, DisconnectReason.ROOM_DELETED)
        else:
            self._leave(DisconnectReason.PARTICIPANT_REMOVED)

    async def _agent_comes(self, within_s: float) -> bool:
        if self._room.attended.is_set():
            return True
        try:
            await asyncio.wait_for(self._room.attended.wait(), within_s / self._timeline.speed)
        except TimeoutError:
            return False
        return True

    def _status(self, status: str) -> None:
        self.participant.info.attributes["sip.callStatus"] = status

    def _fail(self, error: TwirpError, reason: DisconnectReason) -> None:
        # The status stays at dialing or ringing, as in LiveKit: only a call that was up is hung up.
        self._settle(error)
        self._leave(reason)

    def _leave(self, reason: DisconnectReason) -> None:
        self._network.rooms.leave(self._room, self.participant.info.identity, reason)

    def _left(self, reason: DisconnectReason) -> None:
        self._settle(ring_timed_out())
        self._room.agents_join = True
        if self._ring is not None:
            self._network.book.end(self._ring, self._timeline.now())
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    def _settle(self, error: TwirpError | None) -> None:
        if self.outcome.done():
            return
        self.outcome.set_result(error)
        if self._ring is not None:
            self._ring.result = "answered" if error is None else error.short()

    def _attributes(self, request: CreateSIPParticipantRequest) -> dict[str, str]:
        attributes = {
            **request.participant_attributes,
            "sip.callID": self.id,
            "sip.callStatus": "dialing",
            "sip.trunkID": request.sip_trunk_id,
        }
        if not request.hide_phone_number:
            attributes["sip.phoneNumber"] = request.sip_call_to
            attributes["sip.hostname"] = "sip.example.com"
            attributes["sip.trunkPhoneNumber"] = request.sip_number or TRUNK_NUMBER
        return attributes


def _seconds(request: CreateSIPParticipantRequest, name: str, default: float) -> float:
    if not request.HasField(name):
        return default
    duration = getattr(request, name)
    return float(duration.seconds + duration.nanos / 1e9) or default


def _lossy_reason(sip_code: int) -> DisconnectReason:
    """All that an open-source server lets a webhook know of a SIP status."""
    if sip_code in _UNAVAILABLE:
        return DisconnectReason.USER_UNAVAILABLE
    if 500 <= sip_code < 600:
        return DisconnectReason.CLIENT_INITIATED
    return DisconnectReason.USER_REJECTED
