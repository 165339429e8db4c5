"""The dialer of one call: one attempt, from its room to its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from actors import faults
from actors.actor import Actor, Surroundings
from actors.addresses import Address, campaign_address, trunk_address
from actors.campaign.messages import CallBegan
from actors.dialer import ledger
from actors.dialer.ledger import Mark
from actors.dialer.messages import (
    Answered,
    Begin,
    Call,
    CallFinished,
    CallResult,
    GatewayFailed,
    LookFailed,
    NeverDialed,
    ParticipantJoined,
    ParticipantLeft,
    Refused,
    RoomFinished,
    RoomLooked,
    RoomReady,
    Seen,
    Unclear,
)
from actors.limiter import CallLimits
from actors.outcomes import Outcome
from actors.telemetry import Telemetry
from actors.trunk.messages import ReadyToBegin

OUTCOME_ATTRIBUTE = "campaignd.outcome"
"""Participant attribute in which the agent says what it found on the line; "voicemail" is understood."""

LOOK_EVERY = timedelta(seconds=15)
"""How often LiveKit is asked whether a call is still up: the net for lost webhooks."""
LOOK_SOON = timedelta(seconds=2)
"""How soon it is asked again while it is not clear whether the phone rings."""
AGENT_REPORT_GRACE = timedelta(seconds=15)
"""How long after the end of a call the webhook with its agent's report is waited for: LiveKit sends it again after 1,
2, 4 and 8 s. Only a call whose agent has left without our having heard of it waits at all."""

HAND_OVER_AGAIN = timedelta(seconds=1)
ASK_AGAIN = timedelta(seconds=2)
TRUNK_FULL_PAUSE = timedelta(milliseconds=200)
"""How soon a call tries again whose trunk other processes use to the full."""


class DialGateway(Protocol):
    """What a dialer asks of LiveKit; each but the last is answered by one message."""

    def create_room(self, call: Call) -> None:
        """Make the call's room and send for its agent."""
        ...

    def dial(self, call: Call, decided_at: float) -> None:
        """Dial, and wait until it is answered or not; `decided_at` is of the monotonic clock."""
        ...

    def look(self, call: Call) -> None:
        """See who is in the call's room."""
        ...

    def delete_room(self, call: Call) -> None:
        """Close the call's room, and hang up whoever is in it."""
        ...


@dataclass(frozen=True)
class AskAgain:
    """Reminder: the trunk has not answered whether the call may begin."""


@dataclass(frozen=True)
class Look:
    """Reminder: ask LiveKit who is in the room."""


@dataclass(frozen=True)
class NoReport:
    """Reminder: the agent's report will not come any more."""


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
        longest_dial: timedelta,
    ) -> None:
        super().__init__(address, generation, parent, surroundings)
        self._pool = pool
        self._gateway = gateway
        self._telemetry = telemetry
        self._call = call
        self._resume = resume
        self._longest_dial = longest_dial
        self._dialing_at: datetime | None = None
        self._unclear: str | None = None  # why it is not known whether the phone rings
        self._sip_call_id: str | None = None
        self._answered_at: datetime | None = None
        self._agent_joined_at: datetime | None = None
        self._agent_left = False
        self._callee_left = False
        self._reported: str | None = None  # what the agent said of the line
        self._over_at: datetime | None = None
        self._finished = False
        self.log = self.log.bind(
            call=str(call.call_id), task=str(call.task_id), campaign=call.campaign, attempt=call.attempt
        )

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
                self._ask_to_begin()
            case AskAgain():
                self._ask_to_begin()
            case Begin():
                self._dial(message.limits)
            case Answered():
                faults.reach("before_answer")
                self._answered(message.sip_call_id)
                faults.reach("after_answer")
            case Refused():
                self._finish(message.outcome, message.error, message.sip_status_code)
            case Unclear():
                self._unclear = message.error
                self.log.warning("dial_unclear", error=message.error)
                self._gateway.look(self._call)
            case ParticipantJoined():
                self._note_agent(message.participant)
            case ParticipantLeft():
                self._left(message.participant)
            case RoomFinished():
                self._over()
                self._agent_left = True
                self._finish_if_told()
            case RoomLooked():
                self._looked(message.participants)
            case LookFailed():
                self._look_failed(message.error)
            case Look():
                self._gateway.look(self._call)
            case NoReport():
                self._finish_conversation()
            case CallFinished():
                self._hand_over(message)
            case GatewayFailed():
                raise RuntimeError(message.error)
            case _:
                raise TypeError(f"a dialer can't do anything with {message!r}")

    def _take_over(self) -> None:
        with self._pool.connection() as connection:
            row = ledger.read_call(connection, self._call.call_id)
        if row is None or row.state not in ("claimed", "dialing", "answered"):
            self.stop()
            return
        if row.dialing_at is None:
            self._give_back()
            return
        self._dialing_at, self._answered_at = row.dialing_at, row.answered_at
        self._agent_joined_at, self._sip_call_id = row.agent_joined_at, row.sip_call_id
        if self._answered_at is None:
            self._unclear = "whoever dialed died before the answer"
        self.log.info("call_taken_over", state=row.state)
        self._gateway.look(self._call)

    def _give_back(self) -> None:
        """It may not begin: the window has closed, the campaign was paused, or is worked by another supervisor. What
        has been settled or given back already, is not touched by this."""
        self._finished = True
        self._gateway.delete_room(self._call)
        self.tell(self._parent, NeverDialed(self._call.call_id))
        self.stop()

    def _ask_to_begin(self) -> None:
        """The trunk's actor says when. It may be about to be started anew, and forget whom it was asked by."""
        self.tell(trunk_address(self._call.trunk), ReadyToBegin(self._call.call_id))
        self.remind("ask again", self.clock.now() + ASK_AGAIN, AskAgain())

    def _dial(self, limits: CallLimits) -> None:
        if self._dialing_at is not None:
            return
        now, decided_at = self.clock.now(), self.stopwatch()
        if self._call.begin_before is not None and now >= self._call.begin_before:
            self._give_back()
            return
        try:
            with self._pool.connection() as connection:
                mark = ledger.mark_dialing(connection, self._call, limits, now)
        except (psycopg.OperationalError, PoolTimeout) as error:
            # Without the mark nothing may ring. The trunk lets us begin again once PostgreSQL is back.
            self.log.warning("dial_put_off", error=str(error))
            return
        if mark is Mark.TRUNK_FULL:
            self.remind("ask again", self.clock.now() + TRUNK_FULL_PAUSE, AskAgain())
            return
        self.forget("ask again")
        if mark is Mark.NOT_OURS:
            self._give_back()
            return
        self._dialing_at = now
        began = CallBegan(self._call.call_id, now)
        self.tell(campaign_address(self._call.campaign_id), began)
        self.tell(trunk_address(self._call.trunk), began)
        self._telemetry.call_began(self._call.campaign, self._call.trunk)
        faults.reach("before_dial")
        self._gateway.dial(self._call, decided_at)

    def _answered(self, sip_call_id: str | None) -> None:
        if self._answered_at is not None or self._over_at is not None:
            return
        now = self.clock.now()
        self._answered_at, self._sip_call_id, self._unclear = now, sip_call_id or self._sip_call_id, None
        self._note(ledger.mark_answered, now, sip_call_id, self._agent_joined_at)
        if self._callee_left:  # the webhook of the end has overtaken the answer
            self._gateway.look(self._call)
        else:
            self._look_later(now)

    def _note(self, write: Callable[..., None], *values: object) -> None:
        """Write how far the call has come. Its result says all of it again: a PostgreSQL that is away must not end a
        conversation."""
        try:
            with self._pool.connection() as connection:
                write(connection, self._call.call_id, self._call.epoch, *values)
        except (psycopg.OperationalError, PoolTimeout) as error:
            self.log.warning("progress_not_written", error=str(error))

    def _note_agent(self, participant: Seen) -> None:
        if not participant.is_agent:
            return
        if self._agent_joined_at is None:
            self._agent_joined_at = participant.joined_at or self.clock.now()
            if self._answered_at is not None:
                self._note(ledger.mark_agent, self._agent_joined_at)
        self._reported = participant.attributes.get(OUTCOME_ATTRIBUTE, self._reported)

    def _left(self, participant: Seen) -> None:
        if participant.is_agent:
            self._note_agent(participant)
            self._agent_left = True
            self._finish_if_told()
        elif participant.identity == self._call.identity:
            self._callee_left = True
            if self._unclear is not None:
                self._finish(Outcome.INTERRUPTED, self._unclear)
            else:
                self._over()

    def _looked(self, participants: tuple[Seen, ...]) -> None:
        for participant in participants:
            self._note_agent(participant)
        callee = next((seen for seen in participants if seen.identity == self._call.identity), None)
        status = callee.attributes.get("sip.callStatus") if callee else None
        if self._unclear is not None:
            self._resolve(status)
        elif self._over_at is not None:
            # An agent that is still there has said what it had to say; of one that is gone the webhook will tell.
            if any(participant.is_agent for participant in participants):
                self._finish_conversation()
        elif self._answered_at is not None:
            self._follow(status)

    def _resolve(self, status: str | None) -> None:
        """An unclear dial: what the room shows, until LiveKit can't possibly ring any more."""
        if self._dialing_at is None:
            raise RuntimeError("unclear before it was dialed")
        now = self.clock.now()
        if status in ("active", "automation"):
            self._answered(None)
        elif now >= self._dialing_at + self._longest_dial:
            self._finish(Outcome.INTERRUPTED, self._unclear)
        else:
            self.remind("look", now + LOOK_SOON, Look())

    def _follow(self, status: str | None) -> None:
        """A call in progress: is the callee still on the line, is an agent with them?"""
        now = self.clock.now()
        if status is None or status == "hangup":
            self._over()
        elif self._agent_joined_at is None and now >= self._agent_is_late_at:
            self._over_at = now
            self._finish_conversation()
        else:
            self._look_later(now)

    def _look_later(self, now: datetime) -> None:
        """Look again at the slow pulse, and when an agent that has not joined is late."""
        late = now + LOOK_EVERY if self._agent_joined_at is not None else self._agent_is_late_at
        self.remind("look", min(now + LOOK_EVERY, late), Look())

    @property
    def _agent_is_late_at(self) -> datetime:
        """When someone who answered has waited for too long."""
        return (self._answered_at or self.clock.now()) + timedelta(seconds=self._call.agent_timeout_s)

    def _look_failed(self, error: str) -> None:
        self.log.warning("look_failed", error=error)
        if self._unclear is not None:
            self._resolve(None)
        elif self._over_at is None:
            self.remind("look", self.clock.now() + LOOK_EVERY, Look())

    def _over(self) -> None:
        """The callee is gone. Before the answer this says nothing: the dial's own answer will say why."""
        if self._over_at is not None or self._answered_at is None:
            return
        self._over_at = self.clock.now()
        self.forget("look")
        if not self._finish_if_told():
            self.remind("report", self._over_at + AGENT_REPORT_GRACE, NoReport())
            self._gateway.look(self._call)

    def _finish_if_told(self) -> bool:
        """The end is settled once the agent has reported, is gone without a word, or never came."""
        if self._over_at is None or not (self._reported or self._agent_left or self._agent_joined_at is None):
            return False
        self._finish_conversation()
        return True

    def _finish_conversation(self) -> None:
        if self._reported == Outcome.VOICEMAIL:
            self._finish(Outcome.VOICEMAIL, None)
        elif self._agent_joined_at is None and self._resume:
            # It was answered; whether anybody spoke was seen by nobody.
            self._finish(Outcome.INTERRUPTED, "whoever followed the call died")
        elif self._agent_joined_at is None:
            self._finish(Outcome.AGENT_FAILED, f"no agent {self._call.agent_name} joined")
        else:
            self._finish(Outcome.ANSWERED, None)

    def _finish(self, outcome: Outcome, error: str | None, sip_status_code: int | None = None) -> None:
        self._finished = True
        self._gateway.delete_room(self._call)
        ended_at = self._over_at or self.clock.now()
        result = CallResult(
            call=self._call,
            outcome=outcome,
            ended_at=ended_at,
            error=error,
            sip_status_code=sip_status_code,
            sip_call_id=self._sip_call_id,
            answered_at=self._answered_at,
            agent_joined_at=self._agent_joined_at,
        )
        if self._dialing_at is not None:
            talk_s = None if self._answered_at is None else (ended_at - self._answered_at).total_seconds()
            self._telemetry.call_ended(self._call.campaign, self._call.trunk, outcome, talk_s)
        self._hand_over(CallFinished(result))

    def _hand_over(self, finished: CallFinished) -> None:
        """Calls may be about to be started anew: the result waits here until it is there."""
        if self.tell(self._parent, finished):
            self.stop()
        else:
            self.remind("hand over", self.clock.now() + HAND_OVER_AGAIN, finished)
