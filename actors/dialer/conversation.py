"""What is known of a call from its answer on, and how it ended by all of that."""

from __future__ import annotations

from datetime import datetime, timedelta

from actors.call import Call
from actors.dialer.messages import Participant
from actors.outcomes import Outcome

OUTCOME_ATTRIBUTE = "campaignd.outcome"
"""Participant attribute in which the agent says what it found on the line; "voicemail" is understood."""
AGENT_LEAVES = timedelta(seconds=1)
"""So long after its callee an agent may leave by itself: its webhook says as much as LiveKit's answer would, which then
need not be asked for. Where a hundred calls end in a second webhooks are told of later than a fifth of one."""
AGENT_LEAVES_SLOT = timedelta(seconds=0.2)
"""The same for a call whose slot is not free before it is settled."""


class Conversation:
    """Who is on the line, and who has been. A plain rule: it is told what was seen, and handed the time."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.answered_at: datetime | None = None
        self.agent_joined_at: datetime | None = None
        self.over_at: datetime | None = None
        """When the callee had gone."""
        self.callee_left = False
        """Seen by a webhook that may have overtaken the answer."""
        self._agent_left = False
        self.followed_from_its_answer = True
        """Whether an agent that was there must have been seen."""
        self._reported: str | None = None  # what the agent said of the line

    def see(self, participant: Participant, now: datetime) -> bool:
        """Somebody is, or was, in the room. Whether it is an agent that has not been seen before."""
        if not participant.is_agent:
            return False
        self._reported = participant.attributes.get(OUTCOME_ATTRIBUTE, self._reported)
        if self.agent_joined_at is not None:
            return False
        self.agent_joined_at = min(participant.joined_at or now, now)  # no agent is late by LiveKit's clock alone
        return True

    def agent_has_left(self) -> None:
        """One that left before the answer, and before the callee, has met nobody. An answer may be told late: when
        both have gone already."""
        if self.answered_at is None and not self.callee_left:
            self.agent_joined_at = self._reported = None
        else:
            self._agent_left = True

    def agent_is_late_at(self, answered_at: datetime) -> datetime:
        """When someone who answered then has waited for too long."""
        return answered_at + timedelta(seconds=self._call.agent_timeout_s)

    def agent_leaves_by(self, over_at: datetime) -> datetime:
        """When LiveKit is to be asked about the agent of a callee who left then. Nor is it asked sooner where none has
        been seen: if the webhook of its coming was lost, that of its leaving is on its way, and says when it came."""
        hurry = self._call.slot_until_settled and self.agent_joined_at is not None
        return over_at + (AGENT_LEAVES_SLOT if hurry else AGENT_LEAVES)

    @property
    def is_told(self) -> bool:
        """Whether all is known that will be: it is over, and the agent has reported or is gone without a word."""
        return self.over_at is not None and bool(self._reported or self._agent_left)

    def outcome(self) -> tuple[Outcome, str | None]:
        """How the answered call ended, and what was wrong."""
        if self._reported == Outcome.VOICEMAIL:
            return Outcome.VOICEMAIL, None
        if self.agent_joined_at is not None:
            return Outcome.ANSWERED, None
        if not self.followed_from_its_answer:
            # Whether anybody spoke was seen by nobody.
            return Outcome.INTERRUPTED, "whoever followed the call died"
        return Outcome.AGENT_FAILED, f"no agent {self._call.agent_name} joined"
