"""The dialer of one call: one attempt, from its room to its outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from psycopg_pool import ConnectionPool

from actors import faults
from actors.actor import OUTAGE, Actor, Surroundings
from actors.addresses import BREAKERS, RECORDING, Address, campaign_address, trunk_address
from actors.blame import Fault
from actors.breakers.messages import AgentJoined, CallAnswered
from actors.call import Call, CallResult
from actors.campaign.messages import CallBegan, CalleeLeft, ReadyForSlot
from actors.dialer import ledger, reminders
from actors.dialer.asking import DialGateway
from actors.dialer.conversation import Conversation
from actors.dialer.ledger import CallRow, Mark
from actors.dialer.looks import LOOK_SOON, first_look_after, look_every
from actors.dialer.messages import (
    Answered,
    Begin,
    CallFinished,
    DoNotBegin,
    GatewayFailed,
    LeaseTaken,
    LookFailed,
    NeverDialed,
    Participant,
    ParticipantJoined,
    ParticipantLeft,
    Refused,
    RoomFinished,
    RoomLooked,
    RoomReady,
    SlotFree,
    Unclear,
)
from actors.dialer.progress import Progress
from actors.dialer.reminders import AskAgain, Look, NoReport
from actors.limiter import CallLimits
from actors.outcomes import Outcome
from actors.recording.messages import RecordingWanted
from actors.telemetry import Telemetry
from actors.trunk.messages import ReadyToBegin


class Dialer(Actor):
    """Dials once, follows the call to its end, and tells Calls the result; then it is done.

    The end is learned from the dial's own answer, from webhooks, and by asking, whichever comes first. One that
    resumes a call, after a crash of its first dialer or of the process, never dials: it asks what became of it.
    """

    def __init__(
        self,
        address: Address,
        generation: int,
        parent: Address,
        surroundings: Surroundings,
        *,
        pool: ConnectionPool,
        gateway: DialGateway,
        telemetry: Telemetry,
        call: Call,
        resume: bool,
        stands: CallRow | None,
        longest_dial: timedelta,
    ) -> None:
        """`stands`: how far a call that is resumed has come, if that has been read since nobody follows it."""
        super().__init__(address, generation, parent, surroundings)
        self._pool = pool
        self._gateway = gateway
        self._telemetry = telemetry
        self._call = call
        self._resume = resume
        self._stands = stands
        self._waits, self._slot_freed_at = call.waits and not resume, call.slot_freed_at
        self._longest_dial = longest_dial
        self._begin_before = call.begin_before
        self._dialing_at: datetime | None = None
        self._marked_perhaps: list[datetime] = []  # when PostgreSQL was asked for the mark and did not answer
        self._unclear: Unclear | None = None  # why it is not known whether the phone rings
        self._sip_call_id: str | None = None
        self._conversation = Conversation(call)
        self._finished = False
        self.log = self.log.bind(
            call=str(call.call_id), task=str(call.task_id), campaign=call.campaign, attempt=call.attempt
        )
        self._progress = Progress(pool, self.log)

    def started(self) -> None:
        if self._resume:
            self._take_over()
        else:
            faults.reach("before_room")
            self._gateway.create_room(self._call)

    def receive(self, message: Any) -> None:
        if self._finished and not isinstance(message, CallFinished):
            return  # it lay in the mailbox when the call was over
        match message:
            case RoomReady():
                faults.reach("after_room")
                agent_waits_until = self.clock.now() + reminders.BEGIN_WITHIN
                self._begin_before = min(self._begin_before or agent_waits_until, agent_waits_until)
                self._ask_to_begin()
            case SlotFree():
                if self._waits:
                    self._waits, self._slot_freed_at = False, message.freed_at  # and its trunk is asked already
            case AskAgain():
                self._ask_to_begin()
            case Begin():
                self._dial(message.limits)
            case DoNotBegin() | RoomFinished() if self._dialing_at is None:
                self._give_back()
            case DoNotBegin():
                pass  # it has begun
            case Answered():
                faults.reach("before_answer")
                self._answered(message.sip_call_id)
                faults.reach("after_answer")
            case Refused():
                self._finish(message.outcome, message.error, message.fault, message.sip_status_code)
            case Unclear():
                self._unclear = message
                self.log.warning("dial_unclear", error=message.error)
                self._gateway.look(self._call)
            case ParticipantJoined():
                self._see(message.participant)
            case ParticipantLeft():
                self._left(message.participant)
            case RoomFinished():
                self._over()
                self._conversation.agent_has_left()
                self._finish_if_told()
            case RoomLooked():
                self._looked(message.participants)
            case LookFailed():
                self._look_failed(message.error)
            case Look():
                self._gateway.look(self._call)
                self._note()
            case LeaseTaken():
                self._call = replace(self._call, epoch=message.epoch)
                self._note()
            case NoReport():
                self._finish_conversation()
            case CallFinished():
                self._hand_over(message)
            case GatewayFailed():
                self._gateway_failed(message.error)
            case _:
                raise TypeError(f"a dialer can't do anything with {message!r}")

    def _gateway_failed(self, error: str) -> None:
        """Before it was dialed nothing can have rung. After that another dialer finds out."""
        if self._dialing_at is not None:
            raise RuntimeError(error)
        self._finish(Outcome.ERROR, error, None)

    def _take_over(self) -> None:
        row = self._stands
        if row is None:
            with ledger.own_transaction(self._pool) as connection:
                row = ledger.read_calls(connection, [self._call.call_id]).get(self._call.call_id)
        if row is None or row.dialing_at is None or row.state not in ("dialing", "answered"):
            self._give_back()
            return
        self._dialing_at, self._sip_call_id = row.dialing_at, row.sip_call_id
        talk = self._conversation
        talk.answered_at, talk.agent_joined_at = self._progress.written = row.answered_at, row.agent_joined_at
        talk.followed_from_its_answer = False
        if talk.answered_at is None:
            self._unclear = Unclear("whoever dialed died before the answer")
        self.log.info("call_taken_over", state=row.state)
        one_of_many = self._stands is not None and self._unclear is None
        wait = first_look_after(self._directory.count("dialer")) if one_of_many else timedelta(0)
        self.remind("look", self.clock.now() + wait, Look())

    def _give_back(self) -> None:
        """It may not begin: the window has closed, the campaign was paused, or is worked by another supervisor; or its
        agent will have been sent away. What has been settled or given back already, is not touched by this. Nor would
        be one whose mark may be written though PostgreSQL did not say so: it would look dialed, and be followed by
        nobody."""
        if self._marked_perhaps:
            self._finish(Outcome.ERROR, "not dialed: PostgreSQL did not say in time whether it might be", Fault.OURS)
            return
        self._finished = True
        self._gateway.delete_room(self._call.room)
        self.tell(self._parent, NeverDialed(self._call))
        self.stop()

    def _ask_to_begin(self) -> None:
        """The trunk's actor says when, and before it the campaign's, if that has no slot yet. Both may be about to be
        started anew, and forget whom they were asked by."""
        if self._waits:
            self.tell(campaign_address(self._call.campaign_id), ReadyForSlot(self._call.call_id))
        else:
            self.tell(trunk_address(self._call.trunk), ReadyToBegin(self._call.call_id, self._call.needs))
        self.remind("ask again", self.clock.now() + reminders.ASK_AGAIN, AskAgain())

    def _dial(self, limits: CallLimits) -> None:
        if self._dialing_at is not None:
            return
        now, decided_at = self.clock.now(), self.stopwatch()
        if self._begin_before is not None and now >= self._begin_before:
            self._give_back()
            return
        try:
            with ledger.own_transaction(self._pool) as connection:
                mark = ledger.mark_dialing(connection, self._call, limits, now, self._marked_perhaps)
        except OUTAGE as error:
            self._marked_perhaps.append(now)
            # Without the mark nothing may ring. The trunk lets us begin again once PostgreSQL is back.
            self.log.warning("dial_put_off", error=str(error))
            return
        if mark is Mark.TRUNK_FULL:
            self.remind("ask again", self.clock.now() + reminders.TRUNK_FULL_PAUSE, AskAgain())
            return
        self.forget("ask again")
        if mark is Mark.NOT_OURS:
            self._give_back()
            return
        self._dialing_at = now
        faults.reach("before_dial")
        self.be_current()
        self._gateway.dial(self._call, decided_at)
        self._tell_who_counts(CallBegan(self._call.call_id, now))  # takes a moment: the request is on its way
        self._telemetry.call_began(self._call.campaign, self._call.trunk, now)
        if self._slot_freed_at is not None:
            self._telemetry.slot_used(self._call.campaign, self.stopwatch() - self._slot_freed_at)

    def _answered(self, sip_call_id: str | None) -> None:
        talk = self._conversation
        if talk.answered_at is not None or talk.over_at is not None or self._dialing_at is None:
            return
        now = self.clock.now()
        if self._unclear is None:  # else it was answered at some time before it was asked about
            self._telemetry.call_answered(self._call.campaign, (now - self._dialing_at).total_seconds())
        talk.answered_at, self._sip_call_id, self._unclear = now, sip_call_id or self._sip_call_id, None
        self.tell(BREAKERS, CallAnswered(self._call, self._dialing_at, now))
        if talk.agent_joined_at is not None:
            self._tell_of_agent()
        faults.reach("before_recording_row")
        self._note()
        faults.reach("after_recording_row")
        if talk.callee_left:  # the webhook of the end has overtaken the answer
            self._gateway.look(self._call)
        else:
            self._look_later(now)

    def _note(self) -> None:
        if self._progress.write(self._call, self._conversation, self._sip_call_id):
            self.tell(RECORDING, RecordingWanted(self._call.call_id))

    def _see(self, participant: Participant) -> None:
        new_agent = self._conversation.see(participant, self.clock.now())
        if new_agent and self._conversation.answered_at is not None:
            self._note()
            self._tell_of_agent()

    def _tell_of_agent(self) -> None:
        talk = self._conversation
        if self._dialing_at is None or talk.answered_at is None or talk.agent_joined_at is None:
            return
        # LiveKit tells whole seconds; one that was there before the answer has kept nobody waiting.
        waited_s = max((talk.agent_joined_at - talk.answered_at).total_seconds(), 0.0)
        self._telemetry.agent_joined(self._call.campaign, waited_s)
        self.tell(BREAKERS, AgentJoined(self._call, self._dialing_at, max(talk.agent_joined_at, talk.answered_at)))

    def _left(self, participant: Participant) -> None:
        if participant.is_agent:
            self._see(participant)
            self._conversation.agent_has_left()
            self._finish_if_told()
        elif participant.identity == self._call.identity:
            self._conversation.callee_left = True
            if self._unclear is not None:
                self._finish(Outcome.INTERRUPTED, self._unclear.error, self._unclear.fault)
            else:
                self._over()

    def _looked(self, participants: tuple[Participant, ...]) -> None:
        for participant in participants:
            self._see(participant)
        callee = next((seen for seen in participants if seen.identity == self._call.identity), None)
        status = callee.attributes.get("sip.callStatus") if callee else None
        if self._unclear is not None:
            self._resolve(status, self._unclear)
        elif self._conversation.over_at is not None:
            # An agent that is still there has said what it had to say; of one that is gone the webhook will tell. They
            # come in order: who was not told of before the callee's end, nor soon after it, has not been there.
            never_came = self._conversation.agent_joined_at is None and self._conversation.callee_left
            if never_came or any(seen.is_agent for seen in participants):
                self._finish_conversation()
        elif self._conversation.answered_at is not None:
            self._follow(status, self._conversation.answered_at)

    def _resolve(self, status: str | None, unclear: Unclear) -> None:
        """An unclear dial: what the room shows, until LiveKit can't possibly ring any more."""
        if self._dialing_at is None:
            raise RuntimeError("unclear before it was dialed")
        now = self.clock.now()
        if status in ("active", "automation"):
            self._answered(None)
        elif now >= self._dialing_at + self._longest_dial:
            self._finish(Outcome.INTERRUPTED, unclear.error, unclear.fault)
        else:
            self.remind("look", now + LOOK_SOON, Look())

    def _follow(self, status: str | None, answered_at: datetime) -> None:
        """A call in progress: is the callee still on the line, is an agent with them?"""
        talk, now = self._conversation, self.clock.now()
        if status is None or status == "hangup":
            self._over()
        elif talk.agent_joined_at is None and now >= talk.agent_is_late_at(answered_at):
            talk.over_at = now
            self._finish_conversation()
        else:
            self._look_later(now)

    def _look_later(self, now: datetime) -> None:
        """Look again at the slow pulse, and when an agent that has not joined is late."""
        talk, again = self._conversation, now + self._look_every
        if talk.agent_joined_at is None and talk.answered_at is not None:
            again = min(again, talk.agent_is_late_at(talk.answered_at))
        self.remind("look", again, Look())

    @property
    def _look_every(self) -> timedelta:
        return look_every(self._directory.count("dialer"))

    def _look_failed(self, error: str) -> None:
        self.log.warning("look_failed", error=error)
        talk = self._conversation
        if talk.over_at is None:  # it says nothing of the call: they may be talking, or wait for an agent that is late
            soon = self._unclear is not None or talk.agent_joined_at is None
            self.remind("look", self.clock.now() + (LOOK_SOON if soon else self._look_every), Look())

    def _over(self) -> None:
        """The callee is gone. Before the answer this says nothing: the dial's own answer will say why."""
        talk = self._conversation
        if talk.over_at is not None or talk.answered_at is None:
            return
        talk.over_at = self.clock.now()
        self._tell_who_counts(CalleeLeft(self._call.call_id, self.stopwatch()))
        self.forget("look")
        if not self._finish_if_told():
            self.remind("report", talk.over_at + reminders.AGENT_REPORT_GRACE, NoReport())
            self.remind("look", talk.agent_leaves_by(talk.over_at), Look())

    def _tell_who_counts(self, message: CallBegan | CalleeLeft) -> None:
        self.tell(campaign_address(self._call.campaign_id), message)
        self.tell(trunk_address(self._call.trunk), message)

    def _finish_if_told(self) -> bool:
        if self._conversation.is_told:
            self._finish_conversation()
        return self._finished

    def _finish_conversation(self) -> None:
        outcome, error = self._conversation.outcome()
        self._finish(outcome, error, None)

    def _finish(
        self, outcome: Outcome, error: str | None, fault: Fault | None, sip_status_code: int | None = None
    ) -> None:
        self._finished = True
        self._gateway.delete_room(self._call.room)
        talk = self._conversation
        ended_at = talk.over_at or self.clock.now()
        result = CallResult(
            call=self._call,
            outcome=outcome,
            ended_at=ended_at,
            error=error,
            sip_status_code=sip_status_code,
            sip_call_id=self._sip_call_id,
            answered_at=talk.answered_at,
            agent_joined_at=talk.agent_joined_at,
            dialing_at=self._dialing_at,
            fault=fault,
        )
        if self._dialing_at is not None:
            talk_s = None if talk.answered_at is None else (ended_at - talk.answered_at).total_seconds()
            self._telemetry.call_ended(self._call.campaign, self._call.trunk, outcome, talk_s)
        self._hand_over(CallFinished(result))

    def _hand_over(self, finished: CallFinished) -> None:
        """Calls may be about to be started anew: the result waits here until it is there."""
        if self.tell(self._parent, finished):
            self.stop()
        else:
            self.remind("hand over", self.clock.now() + reminders.HAND_OVER_AGAIN, finished)
