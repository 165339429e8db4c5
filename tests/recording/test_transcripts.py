"""From audio to text: spoken here, stored, and heard by a real recogniser in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from actors.campaign.messages import ServicesFailing
from actors.ids import new_id
from actors.recording.actor import PULSE
from actors.recording.storage import Storage, StorageError
from actors.recording.transcription import WHISPER, Transcription
from actors.services import RECORDINGS
from tests.manual_clock import ManualClock
from tests.recording.shelf import Fetcher, Shelf, Source, pass_time
from tests.waiting import wait_until
from tests.world import TUESDAY

for _package in ("av", "espeakng_loader", "pocketsphinx"):
    pytest.importorskip(_package, reason=f"{_package} has no wheel for this platform: nobody speaks, or nobody hears")

PHRASES = ["go forward ten meters", "go backward seven meters", "turn left and wait", "please stop"]


@pytest.fixture
def work(shelf: Shelf, clock: ManualClock) -> Iterator[Callable[..., Fetcher]]:
    """Starts somebody who fetches recordings and has them transcribed by this transcriber, from this storage or the one
    that they are fetched to."""
    with ExitStack() as closing:

        def start(transcriber: str | None, model: str = "", storage: Storage | None = None) -> Fetcher:
            make = None if transcriber is None else lambda its: Transcription(storage or its, transcriber, model)
            made = Fetcher(shelf, Source(shelf).open, clock, transcription=make)
            made.start()
            closing.callback(made.close)
            return made

        yield start


class Readings(Storage):
    """The shelf's storage, whose recordings can't be read while it fails. Knows when each was asked for."""

    def __init__(self, shelf: Shelf, clock: ManualClock) -> None:
        super().__init__(Source(shelf).open, shelf.open_store)
        self._clock = clock
        self.fails = False
        self.times: list[datetime] = []
        self.gate = threading.Event()
        """None is read before it is open."""
        self.gate.set()

    def copy_out(self, company_id: UUID, call_id: UUID, target: Path, stopping: threading.Event) -> None:
        self.times.append(self._clock.now())
        self.gate.wait(30)
        if self.fails:
            raise StorageError("OSError: the store is away", storage_failed=True)
        super().copy_out(company_id, call_id, target, stopping)


def _transcribed(shelf: Shelf, state: str) -> list[dict[str, Any]]:
    rows = shelf.read("SELECT * FROM recordings WHERE transcript_state = %s ORDER BY created_at", state)
    return rows if len(rows) == len(shelf.contents) else []


def _pulse(shelf: Shelf, clock: ManualClock) -> None:
    """It has been when it has deleted what there is to delete."""
    shelf.connection.execute("INSERT INTO discarded_recordings VALUES (%s, %s)", (new_id(), new_id()))
    clock.advance(PULSE)
    wait_until(lambda: not shelf.read("SELECT * FROM discarded_recordings"))


def test_what_was_said_stands_beside_the_recording_with_its_times(
    shelf: Shelf, work: Callable[..., Fetcher], tmp_path: Path
) -> None:
    from tests.recording.speech import say

    said, lasted = PHRASES[:2], []
    for place, phrase in enumerate(said):
        lasted.append(say(phrase, tmp_path / f"{place}.ogg"))
    shelf.add(shelf.company(), [(tmp_path / f"{place}.ogg").read_bytes() for place in range(len(said))])
    work("tests.recording.speech:Sphinx", json.dumps(PHRASES))
    rows = wait_until(lambda: _transcribed(shelf, "stored"), 60)
    for row, phrase, seconds in zip(rows, said, lasted, strict=True):
        assert row["transcript_file"] == row["file"].replace(".ogg", ".json")
        transcript = json.loads((shelf.store / row["transcript_file"]).read_text())
        assert (transcript["call_id"], transcript["text"]) == (str(row["call_id"]), phrase)
        times = [time for segment in transcript["segments"] for time in (segment["start_s"], segment["end_s"])]
        assert times == sorted(times) and times[0] >= 0 and times[-1] <= seconds + 0.5
    assert shelf.files() == {name for row in rows for name in (row["file"], row["transcript_file"])}


@pytest.mark.parametrize(
    ("model", "reason"), [("raises", "ValueError: it is all noise"), ("dies", "the transcriber's process ended")]
)
def test_a_transcriber_that_fails_leaves_the_recording_and_says_why(
    shelf: Shelf, clock: ManualClock, work: Callable[..., Fetcher], model: str, reason: str
) -> None:
    shelf.add(shelf.company(), [b"noise"])
    readings = Readings(shelf, clock)
    work("tests.recording.speech:Mute", model, readings)
    pass_time(clock, lambda: bool(_transcribed(shelf, "failed")))
    (row,) = _transcribed(shelf, "failed")
    assert (row["state"], row["transcript_attempts"]) == ("stored", 3)
    assert reason in row["transcript_error"]
    first, second, third = readings.times
    assert second - first >= timedelta(seconds=10) and third - second >= timedelta(seconds=20)


def test_a_store_that_fails_for_a_while_costs_no_transcript_and_is_not_asked_all_the_time(
    shelf: Shelf, clock: ManualClock, work: Callable[..., Fetcher]
) -> None:
    shelf.add(shelf.company(), [b"noise"] * 3)
    readings = Readings(shelf, clock)
    readings.fails = True
    work("tests.recording.speech:Mute", "silence", readings)
    wait_until(lambda: _transcribed(shelf, "pending"))
    _pulse(shelf, clock)  # behind the downloads, each of which has a transcript wanted
    wait_until(lambda: _transcribed(shelf, "pending"))
    readings.times.clear()
    for _ in range(6):
        _pulse(shelf, clock)
    wait_until(lambda: _transcribed(shelf, "pending"))
    assert 1 <= len(readings.times) <= 6, "once for each pulse at most"
    assert {row["transcript_attempts"] for row in _transcribed(shelf, "pending")} == {0}
    readings.fails = False
    pass_time(clock, lambda: bool(_transcribed(shelf, "stored")))


def test_nothing_is_transcribed_while_the_store_is_known_to_fail(
    shelf: Shelf, clock: ManualClock, work: Callable[..., Fetcher]
) -> None:
    shelf.add(shelf.company(), [b"noise"])
    readings = Readings(shelf, clock)
    readings.fails = True
    working = work("tests.recording.speech:Mute", "silence", readings)
    wait_until(lambda: readings.times and _transcribed(shelf, "pending"))
    working.tell(ServicesFailing(frozenset({RECORDINGS}), frozenset()))
    for _ in range(6):
        _pulse(shelf, clock)
    assert readings.times == [TUESDAY]
    readings.fails = False
    working.tell(ServicesFailing(frozenset(), frozenset()))
    pass_time(clock, lambda: bool(_transcribed(shelf, "stored")))


@pytest.mark.skipif(importlib.util.find_spec("faster_whisper") is not None, reason="whisper is installed here")
def test_whisper_without_its_extra_says_so(shelf: Shelf, clock: ManualClock, work: Callable[..., Fetcher]) -> None:
    shelf.add(shelf.company(), [b"noise"])
    work(WHISPER)
    pass_time(clock, lambda: bool(_transcribed(shelf, "failed")))
    (row,) = _transcribed(shelf, "failed")
    assert "No module named 'faster_whisper'" in row["transcript_error"]


def test_nothing_is_transcribed_unless_it_is_asked_for(shelf: Shelf, work: Callable[..., Fetcher]) -> None:
    shelf.add(shelf.company(), [b"noise"])
    work(None)
    wait_until(lambda: shelf.states()["stored"] == 1)
    assert _transcribed(shelf, "none")


def test_a_recording_with_which_the_service_died_time_and_again_is_given_up_and_others_have_their_turn(
    shelf: Shelf, clock: ManualClock, work: Callable[..., Fetcher]
) -> None:
    deadly, other = shelf.add(shelf.company(), [b"noise", b"silence"])
    work(None)
    wait_until(lambda: shelf.states()["stored"] == 2)
    shelf.connection.execute(
        "UPDATE recordings SET transcript_state = 'running', transcript_by = %s,"
        " transcript_attempts = CASE WHEN call_id = %s THEN 3 ELSE 2 END",
        (new_id(), deadly),
    )
    work("tests.recording.speech:Mute", "silence")
    pass_time(clock, lambda: shelf.recording(other)["transcript_state"] == "stored")
    row = shelf.recording(deadly)
    assert (row["transcript_state"], row["transcript_attempts"]) == ("failed", 3)
    assert row["transcript_error"] == "the service died while it was transcribed"


def test_a_service_that_is_stopped_gives_back_what_it_transcribes_and_that_was_no_attempt(
    shelf: Shelf, clock: ManualClock, work: Callable[..., Fetcher]
) -> None:
    (call,) = shelf.add(shelf.company(), [b"noise"])
    readings = Readings(shelf, clock)
    readings.gate.clear()
    working = work("tests.recording.speech:Mute", "silence", readings)
    wait_until(lambda: readings.times)
    assert shelf.recording(call)["transcript_state"] == "running"
    working.stop_actor()
    row = shelf.recording(call)
    assert (row["transcript_state"], row["transcript_attempts"], row["transcript_by"]) == ("pending", 0, None)
    readings.gate.set()


def test_a_transcript_for_which_no_thread_is_to_be_had_waits_and_that_was_no_attempt(
    shelf: Shelf, clock: ManualClock, work: Callable[..., Fetcher]
) -> None:
    (call,) = shelf.add(shelf.company(), [b"noise"])
    work(None)
    wait_until(lambda: shelf.states()["stored"] == 1)
    working = work("tests.recording.speech:Mute", "silence")
    working.workers.stop(0)
    shelf.connection.execute("UPDATE recordings SET transcript_state = 'pending'")
    pass_time(clock, lambda: shelf.recording(call)["transcript_error"] is not None)
    row = shelf.recording(call)
    assert (row["transcript_state"], row["transcript_attempts"], row["transcript_by"]) == ("pending", 0, None)
    assert "no thread" in row["transcript_error"]
    assert row["next_attempt_at"] > TUESDAY


def test_where_memory_runs_out_the_transcriber_goes_before_the_service(
    shelf: Shelf, clock: ManualClock, work: Callable[..., Fetcher]
) -> None:
    shelf.add(shelf.company(), [b"noise"])
    work("tests.recording.speech:Mortal")
    (row,) = wait_until(lambda: _transcribed(shelf, "stored"))
    assert json.loads((shelf.store / row["transcript_file"]).read_text())["text"] == "1000"


def test_without_room_for_a_copy_nothing_is_lost_but_time(
    shelf: Shelf, clock: ManualClock, work: Callable[..., Fetcher], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "no room yet"
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    calls = shelf.add(shelf.company(), [b"noise", b"another"])
    work("tests.recording.speech:Mute", "silence")
    pass_time(clock, lambda: all(shelf.recording(call)["transcript_error"] is not None for call in calls))
    assert "no room for a copy of the recording" in shelf.recording(calls[0])["transcript_error"]
    assert shelf.states() == {"stored": 2}
    room.mkdir()
    pass_time(clock, lambda: bool(_transcribed(shelf, "stored")))


def test_a_transcriber_that_dies_while_it_answers_has_not_answered(
    shelf: Shelf, clock: ManualClock, work: Callable[..., Fetcher], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = tmp_path / "dying"
    dying.write_text('#!/bin/sh\nread line\nprintf \'{"segments": [{"text": "\\320\'\n')
    dying.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(dying))
    shelf.add(shelf.company(), [b"noise"])
    work("tests.recording.speech:Mute")
    pass_time(clock, lambda: bool(_transcribed(shelf, "failed")))
    (row,) = _transcribed(shelf, "failed")
    assert "the transcriber's process ended" in row["transcript_error"]
