"""How an answered call ended, by who was seen on the line."""

from __future__ import annotations

from datetime import timedelta

from actors.dialer.conversation import AGENT_LEAVES, AGENT_LEAVES_SLOT, OUTCOME_ATTRIBUTE, Conversation
from actors.dialer.messages import Participant
from actors.outcomes import Outcome
from tests.dialer.mailbox import a_call
from tests.world import TUESDAY

SECOND = timedelta(seconds=1)


def agent(reported: str | None = None) -> Participant:
    return Participant("agent-1", True, TUESDAY, {} if reported is None else {OUTCOME_ATTRIBUTE: reported})


def answered() -> Conversation:
    talk = Conversation(a_call())
    talk.answered_at = TUESDAY
    return talk


def test_an_agent_on_the_line_makes_it_a_conversation() -> None:
    talk = answered()
    assert talk.see(agent(), TUESDAY)
    assert not talk.see(agent(), TUESDAY), "it is new only once"
    assert talk.outcome() == (Outcome.ANSWERED, None)


def test_the_callee_is_nobodys_agent() -> None:
    talk = answered()
    assert not talk.see(Participant("callee", False, TUESDAY, {OUTCOME_ATTRIBUTE: "voicemail"}), TUESDAY)
    assert talk.outcome()[0] is Outcome.AGENT_FAILED


def test_without_an_agent_the_call_was_abandoned() -> None:
    assert answered().outcome() == (Outcome.AGENT_FAILED, "no agent renewals-agent joined")


def test_an_agent_that_left_before_the_answer_has_met_nobody() -> None:
    talk = Conversation(a_call())
    talk.see(agent(), TUESDAY)
    talk.agent_has_left()
    talk.answered_at = TUESDAY + SECOND
    assert talk.outcome()[0] is Outcome.AGENT_FAILED


def test_an_agent_that_outstayed_the_callee_had_a_conversation_even_if_the_answer_is_told_after_that() -> None:
    talk = Conversation(a_call())
    talk.see(agent(), TUESDAY)
    talk.callee_left = True
    talk.agent_has_left()
    talk.answered_at = TUESDAY + SECOND
    assert talk.outcome() == (Outcome.ANSWERED, None)


def test_the_agent_knows_a_machine_from_a_person() -> None:
    talk = answered()
    talk.see(agent(), TUESDAY)
    talk.see(agent("voicemail"), TUESDAY)
    assert talk.outcome() == (Outcome.VOICEMAIL, None)


def test_what_nobody_followed_from_its_answer_is_not_blamed_on_agents() -> None:
    talk = answered()
    talk.followed_from_its_answer = False
    assert talk.outcome() == (Outcome.INTERRUPTED, "whoever followed the call died")


def test_all_is_told_once_it_is_over_and_the_agent_has_reported_or_is_gone() -> None:
    talk = answered()
    talk.see(agent(), TUESDAY)
    assert not talk.is_told
    talk.over_at = TUESDAY + SECOND
    assert not talk.is_told
    talk.agent_has_left()
    assert talk.is_told
    reporting = answered()
    reporting.over_at = TUESDAY + SECOND
    reporting.see(agent("voicemail"), TUESDAY)
    assert reporting.is_told


def test_an_agent_is_late_after_the_calls_own_patience() -> None:
    assert Conversation(a_call(agent_timeout_s=2.0)).agent_is_late_at(TUESDAY) == TUESDAY + 2 * SECOND


def test_no_agent_joins_later_than_it_is_seen() -> None:
    """LiveKit's clock may be ahead of ours; then nobody would have an agent in time."""
    talk = answered()
    talk.see(Participant("agent-1", True, TUESDAY + 5 * SECOND, {}), TUESDAY + SECOND)
    assert talk.agent_joined_at == TUESDAY + SECOND


def test_an_agent_has_a_moment_to_leave_by_itself_and_a_shorter_one_where_a_slot_waits_for_that() -> None:
    for slot_until_settled, within in ((False, AGENT_LEAVES), (True, AGENT_LEAVES_SLOT)):
        talk = Conversation(a_call(slot_until_settled=slot_until_settled))
        talk.answered_at = TUESDAY
        assert talk.agent_leaves_by(TUESDAY) == TUESDAY + AGENT_LEAVES, "it may have been there unheard"
        talk.see(agent(), TUESDAY)
        assert talk.agent_leaves_by(TUESDAY) == TUESDAY + within
    assert AGENT_LEAVES_SLOT < AGENT_LEAVES
