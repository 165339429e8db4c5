"""From audio to text: spoken here, stored, and heard by a real recogniser in a process of its own."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from actors.recording.transcription import WHISPER, Transcription
from supervisor.clock import ManualClock
from tests.recording.shelf import Fetcher, Shelf, Source, pass_time
from tests.waiting import wait_until
from tests.world import TUESDAY

for _package in ("av", "espeakng_loader", "pocketsphinx"):
    pytest.importorskip(_package, reason=f"{_package} has no wheel for this platform: nobody speaks, or nobody hears")

PHRASES = ["go forward ten meters", "go backward seven meters", "turn left and wait", "please stop"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(TUESDAY)


@pytest.fixture
def shelf(tmp_path: Path, dsn: str) -> Iterator[Shelf]:
    made = Shelf(tmp_path, dsn)
    yield made
    made.close()


@pytest.fixture
def work(shelf: Shelf, clock: ManualClock) -> Iterator[Callable[..., Fetcher]]:
    """Starts somebody who fetches recordings and has them transcribed by this transcriber."""
    with ExitStack() as closing:

        def start(transcriber: str | None, model: str = "") -> Fetcher:
            make = None if transcriber is None else lambda storage: Transcription(storage, transcriber, model)
            made = Fetcher(shelf, Source(shelf).open, clock, transcription=make)
            made.start()
            closing.callback(made.close)
            return made

        yield start


def _transcribed(shelf: Shelf, state: str) -> list[dict[str, Any]]:
    rows = shelf.read("SELECT * FROM recordings WHERE transcript_state = %s ORDER BY created_at", state)
    return rows if len(rows) == len(shelf.contents) else []


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
    work("tests.recording.speech:Mute", model)
    pass_time(clock, lambda: bool(_transcribed(shelf, "failed")))
    (row,) = _transcribed(shelf, "failed")
    assert (row["state"], row["transcript_attempts"]) == ("stored", 3)
    assert reason in row["transcript_error"]


@pytest.mark.skipif(importlib.util.find_spec("faster_whisper") is not None, reason="whisper is installed here")
def test_whisper_without_its_extra_says_so(shelf: Shelf, work: Callable[..., Fetcher]) -> None:
    shelf.add(shelf.company(), [b"noise"])
    work(WHISPER)
    (row,) = wait_until(lambda: _transcribed(shelf, "failed"), 60)
    assert "No module named 'faster_whisper'" in row["transcript_error"]


def test_nothing_is_transcribed_unless_it_is_asked_for(shelf: Shelf, work: Callable[..., Fetcher]) -> None:
    shelf.add(shelf.company(), [b"noise"])
    work(None)
    wait_until(lambda: shelf.states()["stored"] == 1)
    assert _transcribed(shelf, "none")
