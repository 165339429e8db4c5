"""What the end of a call says of the services that it needed: the last column of the table in facts/livekit.md."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from actors.blame import Fault
from actors.breakers.blame import WRONG_NUMBERS_IN_A_ROW, Finding, WrongNumbers, of_answer, of_result
from actors.call import CallResult
from actors.outcomes import Outcome
from tests.dialer.mailbox import a_call
from tests.world import TUESDAY

ENDED = TUESDAY + timedelta(minutes=5)
ANSWERED = TUESDAY + timedelta(seconds=20)
JOINED = TUESDAY + timedelta(seconds=21)
TRUNK, AGENTS = "trunk:main", "agents:renewals-agent"


def result(outcome: Outcome, fault: Fault | None = None, **changes: Any) -> CallResult:
    trunk = changes.pop("trunk", "main")
    return CallResult(a_call(trunk=trunk), outcome, ENDED, error="why", fault=fault, **changes)


def said(findings: tuple[Finding, ...]) -> dict[str, bool]:
    return {finding.service: finding.ok for finding in findings}


@pytest.mark.parametrize(
    ("ended", "says"),
    [
        (result(Outcome.NO_ANSWER, Fault.CALLEE), {"livekit": True, TRUNK: True}),
        (result(Outcome.BUSY, Fault.CALLEE), {"livekit": True, TRUNK: True}),
        (result(Outcome.REJECTED, Fault.CALLEE), {"livekit": True, TRUNK: True}),
        (result(Outcome.REJECTED, Fault.UNWANTED), {"livekit": True, TRUNK: True}),
        (result(Outcome.INVALID_NUMBER, Fault.LIST), {"livekit": True}),
        (result(Outcome.TRUNK_FAILED, Fault.TRUNK), {"livekit": True, TRUNK: False}),
        (result(Outcome.ERROR, Fault.TRUNK), {"livekit": True, TRUNK: False}),
        (result(Outcome.ERROR, Fault.LIVEKIT), {"livekit": False}),
        (result(Outcome.INTERRUPTED, Fault.LIVEKIT), {"livekit": False}),
        (result(Outcome.INTERRUPTED), {}),
        (result(Outcome.CANCELLED), {}),
        (result(Outcome.ERROR), {}),
        (result(Outcome.RATE_LIMITED, Fault.PACE), {}),
        (result(Outcome.RATE_LIMITED, Fault.CONCURRENCY), {}),
    ],
    ids=lambda value: f"{value.outcome}-{value.fault}" if isinstance(value, CallResult) else "",
)
def test_a_call_that_reached_nobody_speaks_of_whom_the_table_names(ended: CallResult, says: dict[str, bool]) -> None:
    findings = of_result(ended, 0)
    assert said(findings) == says
    assert all(finding.at == ENDED for finding in findings)
    assert all(finding.error == (None if finding.ok else "why") for finding in findings)


@pytest.mark.parametrize(
    ("ended", "agents"),
    [
        (result(Outcome.ANSWERED, answered_at=ANSWERED, agent_joined_at=JOINED), {AGENTS: True}),
        (result(Outcome.VOICEMAIL, answered_at=ANSWERED, agent_joined_at=JOINED), {AGENTS: True}),
        (result(Outcome.VOICEMAIL, answered_at=ANSWERED), {}),
        (result(Outcome.AGENT_FAILED, answered_at=ANSWERED), {AGENTS: False}),
        (result(Outcome.AGENT_FAILED, answered_at=ENDED - timedelta(seconds=0.5)), {}),
    ],
    ids=["answered", "voicemail", "voicemail without an agent", "abandoned", "hung up before an agent was late"],
)
def test_an_answered_call_shows_that_livekit_and_the_trunk_worked_as_it_was_answered(
    ended: CallResult, agents: dict[str, bool]
) -> None:
    """Not that they work now: the conversation may have been a long one."""
    findings = of_result(ended, 0)
    assert said(findings) == {"livekit": True, TRUNK: True, **agents}
    assert ended.answered_at is not None
    assert findings[:2] == of_answer(ended.call, ended.answered_at)
    assert [finding.at for finding in findings[2:]] == [JOINED if ok else ENDED for ok in agents.values()]


def test_the_tenth_wrong_number_in_a_row_is_the_trunks_fault() -> None:
    wrong = WrongNumbers()
    for number in range(1, 15):
        ended = result(Outcome.INVALID_NUMBER, Fault.LIST)
        findings = of_result(ended, wrong.count(ended))
        assert said(findings).get(TRUNK, True) is (number < WRONG_NUMBERS_IN_A_ROW)


def test_one_number_that_exists_ends_the_row() -> None:
    wrong = WrongNumbers()
    for _ in range(9):
        wrong.count(result(Outcome.INVALID_NUMBER, Fault.LIST))
    for unrelated in (result(Outcome.TRUNK_FAILED, Fault.TRUNK), result(Outcome.BUSY, Fault.CALLEE, trunk="other")):
        assert wrong.count(unrelated) == 0
    assert wrong.count(result(Outcome.INVALID_NUMBER, Fault.LIST)) == 10
    assert wrong.count(result(Outcome.BUSY, Fault.CALLEE)) == 0
    assert wrong.count(result(Outcome.INVALID_NUMBER, Fault.LIST)) == 1
    wrong.count(result(Outcome.ANSWERED, answered_at=ANSWERED))
    assert wrong.count(result(Outcome.INVALID_NUMBER, Fault.LIST)) == 1


def test_a_wrong_number_told_twice_counts_once() -> None:
    wrong = WrongNumbers()
    ended = result(Outcome.INVALID_NUMBER, Fault.LIST)
    assert [wrong.count(ended) for _ in range(20)] == [1] * 20
