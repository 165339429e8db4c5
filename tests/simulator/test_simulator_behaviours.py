from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.simulator import Answer, NoAnswer, Refuse, usual_behaviour
from supervisor.simulator.behaviours import Numbers, script_from_json
from supervisor.simulator.ogg import silence


def _kind(last: int, nth: int) -> str:
    behaviour = usual_behaviour(f"+155501{last:02}", nth)
    if isinstance(behaviour, Answer):
        return "voicemail" if behaviour.voicemail else "answer" if behaviour.agent_joins else "no agent"
    if isinstance(behaviour, Refuse):
        return str(behaviour.sip_code)
    assert isinstance(behaviour, NoAnswer)
    return "no answer"


@pytest.mark.parametrize(
    ("numbers", "first", "later"),
    [
        (range(70), "answer", "answer"),
        (range(70, 75), "voicemail", "voicemail"),
        (range(75, 80), "no answer", "answer"),
        (range(80, 83), "no answer", "no answer"),
        (range(83, 89), "486", "answer"),
        ([89], "486", "486"),
        (range(90, 93), "603", "603"),
        (range(93, 96), "404", "404"),
        ([96], "503", "answer"),
        ([97], "no agent", "answer"),
        ([98], "voicemail", "answer"),
        ([99], "480", "answer"),
    ],
)
def test_a_number_does_what_its_last_two_digits_say(numbers: list[int], first: str, later: str) -> None:
    for last in numbers:
        assert [_kind(last, nth) for nth in (1, 2, 3)] == [first, later, later]


@given(number=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), nth=st.integers(1, 9), seed=st.integers())
def test_a_run_can_be_repeated_and_stays_within_its_times(number: str, nth: int, seed: int) -> None:
    behaviour = usual_behaviour(number, nth, seed)
    assert behaviour == usual_behaviour(number, nth, seed)
    if isinstance(behaviour, Answer):
        assert 2 <= behaviour.ring_s <= 8
        low, high = (5, 10) if behaviour.voicemail else (15, 90)
        assert low <= behaviour.talk_s <= high


def test_another_seed_makes_other_calls() -> None:
    assert usual_behaviour("+15550101", 1, seed=1) != usual_behaviour("+15550101", 1, seed=2)


def test_a_script_goes_before_the_table_and_its_last_line_repeats() -> None:
    numbers = Numbers(script={"+15550189": [NoAnswer(), Answer(1, 1)]})
    assert [numbers.next_ring("+15550189") for _ in range(3)] == [
        (1, NoAnswer()),
        (2, Answer(1, 1)),
        (3, Answer(1, 1)),
    ]
    numbers.set_script({})
    nth, behaviour = numbers.next_ring("+15550189")
    assert (nth, isinstance(behaviour, Refuse)) == (4, True)
    with pytest.raises(ValueError, match="no behaviour"):
        numbers.set_script({"+1": []})


@pytest.mark.parametrize(
    "script", [[], {"+1": {"kind": "sing"}}, {"+1": [{"kind": "answer", "loud": 1}]}, {"+1": [{"kind": "refuse"}]}]
)
def test_a_script_that_makes_no_sense_is_refused(script: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        script_from_json(script)


def test_a_recording_is_an_ogg_file_whose_checksums_hold() -> None:
    content = silence(12.3, "room")
    position = pages = 0
    while position < len(content):
        segments = content[position + 26]
        end = position + 27 + segments + sum(content[position + 27 : position + 27 + segments])
        page = bytearray(content[position:end])
        checksum = int.from_bytes(page[22:26], "little")
        page[22:26] = bytes(4)
        crc = 0
        for byte in page:
            crc ^= byte << 24
            for _ in range(8):
                crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
        assert crc == checksum
        last_sample = int.from_bytes(page[6:14], "little")
        position, pages = end, pages + 1
    assert pages == 5
    assert last_sample == 12.3 * 48_000
