"""The table "From answer to outcome" (shared/facts/livekit.md), row by row."""

from __future__ import annotations

from itertools import product

import pytest

from actors.blame import Fault
from actors.dialer.answers import Answer, read_dial_answer, read_room_answer
from actors.dialer.messages import Refused, Unclear
from actors.outcomes import Outcome
from supervisor.simulator.twirp import STATUS, sip_error

TWIRP = "twirp error unknown: "  # what LiveKit's internal bus puts before a message


def sip(status: int, phrase: str = "Whatever", code: str | None = None, message: str | None = None) -> Answer:
    """An error answer with a SIP status in it, as LiveKit gives it (or under another Twirp code)."""
    error = sip_error(status, phrase)
    code = code or error.code
    return Answer(code, message or error.message, STATUS[code], status, phrase)


def twirp(code: str, message: str = "", http_status: int | None = None) -> Answer:
    return Answer(code, message, STATUS[code] if http_status is None else http_status)


BUSY = (486, 600)
NO_ANSWER = (480, 408, 487)
INVALID_NUMBER = (404, 410, 484, 485, 604)
REJECTED = (603,)
UNWANTED = (607, 608)
OTHERS = (400, 405, 413, 414, 416, 420, 421, 423, 429, 481, 482, 483, 489, 491, 493, 494)
TRUNK_FAILED = (401, 402, 403, 407, 406, 415, 488, 606, *OTHERS, 500, 501, 502, 503, 504, 505, 513)

BY_SIP_STATUS = [
    *product(BUSY, [Outcome.BUSY], [Fault.CALLEE]),
    *product(NO_ANSWER, [Outcome.NO_ANSWER], [Fault.CALLEE]),
    *product(INVALID_NUMBER, [Outcome.INVALID_NUMBER], [Fault.LIST]),
    *product(REJECTED, [Outcome.REJECTED], [Fault.CALLEE]),
    *product(UNWANTED, [Outcome.REJECTED], [Fault.UNWANTED]),
    *product(TRUNK_FAILED, [Outcome.TRUNK_FAILED], [Fault.TRUNK]),
]


@pytest.mark.parametrize(("status", "outcome", "fault"), BY_SIP_STATUS)
def test_a_sip_status_is_an_outcome_and_somebodys_fault(status: int, outcome: Outcome, fault: Fault) -> None:
    refused = read_dial_answer(sip(status, "Whatever"))
    assert refused == Refused(outcome, f"SIP {status} Whatever", status, fault)


@pytest.mark.parametrize("code", sorted(STATUS))
@pytest.mark.parametrize(("status", "outcome"), [(486, "busy"), (404, "invalid_number"), (480, "no_answer")])
def test_the_sip_status_counts_whatever_the_twirp_code_is(code: str, status: int, outcome: str) -> None:
    """The code changed between server versions: 429, 401, 503 or canceled as HTTP say nothing beside a SIP status."""
    read = read_dial_answer(sip(status, code=code, message=TWIRP + "no response from servers"))
    assert isinstance(read, Refused)
    assert read.outcome == outcome


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("Trunk CPS limit exceeded", Fault.PACE),
        ("cps limit exceeded", Fault.PACE),
        ("Concurrent call limit exceeded", Fault.CONCURRENCY),
    ],
)
@pytest.mark.parametrize("status", [500, 503, 504])
def test_a_carrier_that_refuses_our_pace_is_rate_limited(status: int, said: str, fault: Fault) -> None:
    in_phrase = read_dial_answer(sip(status, said))
    in_message = read_dial_answer(sip(status, "Service Unavailable", message=f"INVITE failed: {said}"))
    for read in (in_phrase, in_message):
        assert isinstance(read, Refused)
        assert (read.outcome, read.sip_status_code, read.fault) == (Outcome.RATE_LIMITED, status, fault)


def test_only_a_server_error_can_speak_of_our_pace() -> None:
    """A callee whose own words are "limit exceeded" is still busy."""
    read = read_dial_answer(sip(486, "concurrent call limit exceeded"))
    assert isinstance(read, Refused) and read.outcome is Outcome.BUSY


@pytest.mark.parametrize("status", [403, 480, 503])
def test_twilios_code_for_a_blocked_caller_is_rejected(status: int) -> None:
    read = read_dial_answer(sip(status, "32203 Rejected by callee"))
    assert isinstance(read, Refused)
    assert (read.outcome, read.fault) == (Outcome.REJECTED, Fault.UNWANTED)


TRANSACTION_FAILED = TWIRP + "transaction failed to complete ({} intermediate responses)"
WITHOUT_SIP_STATUS = [
    (twirp("canceled", TWIRP + "sip request timed out"), Outcome.NO_ANSWER, Fault.CALLEE),
    (twirp("canceled", TWIRP + "context canceled"), Outcome.NO_ANSWER, Fault.CALLEE),
    (twirp("canceled", TWIRP + "call was cancelled"), Outcome.NO_ANSWER, Fault.CALLEE),
    (twirp("canceled", TRANSACTION_FAILED.format(1)), Outcome.NO_ANSWER, Fault.CALLEE),
    (twirp("canceled", TRANSACTION_FAILED.format(12)), Outcome.NO_ANSWER, Fault.CALLEE),
    (twirp("canceled", TRANSACTION_FAILED.format(0)), Outcome.TRUNK_FAILED, Fault.TRUNK),
    (twirp("resource_exhausted", "rate limit exceeded"), Outcome.RATE_LIMITED, Fault.PACE),
    (Answer("unknown", "", 429), Outcome.RATE_LIMITED, Fault.PACE),  # a proxy's page
    (twirp("failed_precondition", TWIRP + "no numbers on outbound trunk"), Outcome.TRUNK_FAILED, Fault.TRUNK),
    (twirp("not_found", "requested sip trunk does not exist"), Outcome.TRUNK_FAILED, Fault.TRUNK),
    (twirp("unavailable", "no response from servers"), Outcome.ERROR, Fault.LIVEKIT),
    (twirp("unavailable", TWIRP + "no response from servers"), Outcome.ERROR, Fault.LIVEKIT),
    (twirp("unauthenticated", "permissions denied"), Outcome.ERROR, Fault.LIVEKIT),
    (twirp("permission_denied"), Outcome.ERROR, Fault.LIVEKIT),
    (Answer("unknown", "", 401), Outcome.ERROR, Fault.LIVEKIT),  # text/plain: the client could not read it
    (Answer("unknown", "", 403), Outcome.ERROR, Fault.LIVEKIT),
    (twirp("unimplemented"), Outcome.ERROR, Fault.LIVEKIT),
    (twirp("invalid_argument", "sip_number is not one of the trunk's"), Outcome.ERROR, Fault.TRUNK),
]


@pytest.mark.parametrize(("answer", "outcome", "fault"), WITHOUT_SIP_STATUS, ids=str)
def test_an_answer_without_a_sip_status_is_an_outcome_where_it_is_clear(
    answer: Answer, outcome: Outcome, fault: Fault
) -> None:
    assert read_dial_answer(answer) == Refused(outcome, str(answer), None, fault)


UNCLEAR = [
    twirp("internal", TWIRP + "oops"),
    twirp("unknown", TWIRP + "oops"),
    twirp("dataloss"),
    twirp("aborted", TWIRP + "oops"),
    twirp("unavailable", TWIRP + "service shutting down"),
    twirp("internal", TWIRP + "service shutting down"),
    twirp("canceled", TWIRP + "service shutting down"),
    twirp("canceled", TWIRP + "something new"),
    twirp("canceled"),
    twirp("unavailable"),
    twirp("deadline_exceeded", TWIRP + "request timed out"),
    Answer("unknown", "", 500),
    Answer("unknown", "", 502),  # a proxy's HTML
    Answer("unknown", "", 503),
    Answer("unknown", "", 504),
    Answer("a_code_of_next_year", "", 500),
    Answer("a_code_of_next_year", "", 418),
]


@pytest.mark.parametrize("answer", UNCLEAR, ids=str)
def test_an_unclear_answer_never_becomes_an_outcome(answer: Answer) -> None:
    """The phone may ring: only LiveKit's rooms can tell."""
    assert read_dial_answer(answer) == Unclear(str(answer), Fault.LIVEKIT)


def test_whatever_is_answered_is_one_of_the_outcomes_or_unclear() -> None:
    """Also what no table names: no answer can make this raise."""
    messages = ("", "service shutting down", "transaction failed to complete (", "limit exceeded", TWIRP)
    statuses = (None, 0, 100, 183, 200, 302, *range(400, 700, 7), 999)
    codes = (*STATUS, "", "unknown", "new")
    for code, message, http, status in product(codes, messages, (200, 400, 401, 418, 429, 500, 503), statuses):
        read = read_dial_answer(Answer(code, message, http, status, message))
        if isinstance(read, Refused):
            assert isinstance(read.outcome, Outcome) and read.outcome not in (Outcome.ANSWERED, Outcome.INTERRUPTED)
            assert read.error
            assert read.sip_status_code == status
        else:
            assert status is None, "a SIP status is never unclear"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 412, 500, 502, 503])
def test_a_room_that_can_not_be_made_is_an_error_and_nothing_was_dialed(status: int) -> None:
    refused = read_room_answer(Answer("unknown", "", status))
    assert (refused.outcome, refused.sip_status_code) == (Outcome.ERROR, None)
    # A request that is wrong in itself says nothing about LiveKit.
    assert refused.fault is (None if status == 400 else Fault.LIVEKIT)


def test_a_room_refused_for_our_pace_is_rate_limited() -> None:
    refused = read_room_answer(Answer("resource_exhausted", "", 429))
    assert (refused.outcome, refused.fault) == (Outcome.RATE_LIMITED, Fault.PACE)


def test_an_errors_text_tells_a_person_what_was_answered() -> None:
    assert str(sip(486, "Busy Here")) == "SIP 486 Busy Here"
    assert str(sip(486, "")) == "SIP 486"
    assert str(Answer("unknown", "", 502)) == "LiveKit answered HTTP 502 unknown"
    assert str(twirp("unavailable", "gone")) == "LiveKit answered HTTP 503 unavailable: gone"


def test_what_a_carrier_says_can_always_be_kept() -> None:
    assert str(sip(503, "down\0\ud83d")) == "SIP 503 down\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    str(twirp("internal", "\udfff\0")).encode()


def test_a_number_that_a_carrier_quotes_is_masked_in_the_errors_text() -> None:
    assert str(sip(403, "+79991112233 is blocked")) == "SIP 403 +7999***2233 is blocked"
    assert str(twirp("not_found", "no route to sip:79991112233@carrier")).endswith("sip:7999***2233@carrier")
