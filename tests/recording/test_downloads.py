"""Downloads: slots that no death can leak, no second fetch, what is refused, and what is said of it all."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from actors.addresses import BREAKERS
from actors.breakers.messages import ProbeReturned, ProbeWanted, RecordingJudged
from actors.ids import new_id
from actors.recording.messages import Downloaded, Egress, EgressEnded, EgressState, Recording, Transcribed
from actors.recording.places import egress_path, refusal, source_name
from actors.recording.rules import Rules
from actors.recording.storage import Storage, opener
from actors.roster.deletion import delete_campaign
from actors.services import RECORDINGS
from tests.breakers.rows import write_breaker
from tests.dialer.mailbox import mailbox
from tests.manual_clock import ManualClock
from tests.recording.shelf import Fetcher, Shelf, Source, pass_time
from tests.waiting import wait_until
from tests.world import TUESDAY

AUDIO = b"a recording " * 100


@pytest.fixture
def fetcher(shelf: Shelf, clock: ManualClock) -> Iterator[Callable[[Source], Fetcher]]:
    """Makes fetchers, and starts them."""
    with ExitStack() as closing:

        def make(source: Source, **changes: Any) -> Fetcher:
            made = Fetcher(shelf, source.open, clock, **changes)
            made.start()
            closing.callback(made.close)
            return made

        yield make


def hanging_source(shelf: Shelf) -> Source:
    """Whoever reads from it waits until its gate is open."""
    source = Source(shelf)
    source.gate.clear()
    return source


def _stored(shelf: Shelf, count: int) -> Callable[[], bool]:
    return lambda: shelf.states()["stored"] == count


def test_slots_of_a_dead_supervisor_are_free_at_once_and_its_downloads_start_again(
    shelf: Shelf, clock: ManualClock, fetcher: Any
) -> None:
    calls = shelf.add(shelf.company(), [AUDIO] * 3)
    hanging = hanging_source(shelf)
    first = fetcher(hanging)
    wait_until(lambda: len(hanging.reading) == 3)
    second = fetcher(Source(shelf))
    first.die()
    pass_time(clock, _stored(shelf, 3))
    hanging.gate.set()
    assert {row["attempts"] for row in shelf.read("SELECT * FROM recordings")} == {1}, "a death is no attempt"
    assert not shelf.read("SELECT * FROM recording_slots")
    assert all((shelf.store / shelf.recording(call)["file"]).read_bytes() == AUDIO for call in calls)
    second.close()


def test_two_supervisors_share_a_companys_slots(shelf: Shelf, fetcher: Any) -> None:
    shelf.add(shelf.company(recording_slots=2), [AUDIO] * 6)
    source = hanging_source(shelf)
    for _ in range(2):
        fetcher(source)
    wait_until(lambda: len(source.reading) == 2)
    assert len(shelf.read("SELECT * FROM recording_slots")) == 2
    source.gate.set()
    wait_until(_stored(shelf, 6))
    assert max(source.most.values()) == 2


def test_an_actor_started_anew_goes_on_with_what_is_under_way(shelf: Shelf, clock: ManualClock, fetcher: Any) -> None:
    shelf.add(shelf.company(), [AUDIO] * 3)
    source = hanging_source(shelf)
    working = fetcher(source)
    wait_until(lambda: len(source.reading) == 3)
    working.stop_actor()
    working.start()
    source.gate.set()
    pass_time(clock, _stored(shelf, 3))
    assert set(source.readings.values()) == {1}


def test_what_was_fetched_before_a_death_is_not_fetched_again(shelf: Shelf, clock: ManualClock, fetcher: Any) -> None:
    company = shelf.company()
    (call,) = shelf.add(company, [AUDIO])
    source = Source(shelf)
    storage = Storage(source.open, shelf.open_store)
    storage.fetch(company, call, len(AUDIO), threading.Event())
    fetcher(source)
    wait_until(_stored(shelf, 1))
    assert source.readings[call] == 1
    assert shelf.recording(call)["bytes"] == len(AUDIO)


def test_each_company_has_its_turn_and_its_oldest_come_first(shelf: Shelf, fetcher: Any) -> None:
    busy, quiet = shelf.company("busy"), shelf.company("quiet")
    many = shelf.add(busy, [AUDIO] * 6)
    few = shelf.add(quiet, [AUDIO] * 2, TUESDAY + timedelta(seconds=-1))
    source = hanging_source(shelf)
    fetcher(source, rules=Rules(most_downloads=3))
    wait_until(lambda: len(source.reading) == 3)
    assert source.reading in ({*many[:2], few[0]}, {many[0], *few})
    source.gate.set()
    wait_until(_stored(shelf, 8))
    assert [call for call in source.order if call in many] == many


def test_a_download_says_each_thing_once(shelf: Shelf, fetcher: Any) -> None:
    (call,) = shelf.add(shelf.company(), [AUDIO])
    row = shelf.recording(call)
    (campaign,) = shelf.read("SELECT campaign_id FROM calls")
    with capture_logs() as logs:
        fetcher(Source(shelf))
        wait_until(lambda: any(entry["event"] == "recording_slot_released" for entry in logs))
    about = [entry for entry in logs if entry.get("call") == str(call)]
    assert [entry["event"] for entry in about] == [
        "worker_picked",
        "worker_slot_acquired",
        "download_start",
        "worker_download_done",
        "worker_release_slot",
        "recording_slot_released",
    ]
    picked, acquired, started, done, _, released = about
    assert (picked["job_type"], picked["retry"], started["attempt"]) == ("download_recording", 0, 1)
    assert (acquired["active"], released["active_after"], released["reason"]) == ("1/3", "0/3", "stored")
    assert (done["file"], done["bytes"]) == (f"{row['company_id']}/{call}.ogg", len(AUDIO)) and done["duration_ms"] >= 0
    assert {(e["company"], e["campaign"]) for e in about} == {(str(row["company_id"]), str(campaign["campaign_id"]))}


def test_a_store_that_fails_is_told_of_and_left_alone_but_for_its_probe(
    shelf: Shelf, clock: ManualClock, fetcher: Any
) -> None:
    write_breaker(shelf.connection, RECORDINGS, "open", TUESDAY)
    broken = True
    source = Source(shelf, lambda call, nth: "refused" if broken else None)
    calls = shelf.add(shelf.company(), [AUDIO] * 2)
    source.companies = dict.fromkeys(calls, calls[0])
    working = fetcher(source, rules=Rules(attempts=1))
    breakers = mailbox(working.directory, BREAKERS)
    for _ in range(5):
        clock.advance(timedelta(seconds=5))
    probe = ProbeWanted("recordings", 1, TUESDAY)
    working.tell(probe)
    judged = breakers.next(RecordingJudged)
    assert (judged.call_id, judged.error) == (calls[0], "OSError: the source is busy")
    assert sum(source.readings.values()) == 1
    wait_until(lambda: shelf.states() == {"pending": 2})
    assert {row["attempts"] for row in shelf.read("SELECT attempts FROM recordings")} == {0}, "an outage is no attempt"
    clock.advance(timedelta(hours=1))
    broken = False
    working.tell(probe)
    assert breakers.next(RecordingJudged).error is None
    working.tell(probe)
    assert breakers.next(RecordingJudged).error is None
    working.tell(probe)
    assert breakers.next(ProbeReturned) == ProbeReturned("recordings", 1, unneeded=True)


def test_recordings_that_are_deleted_while_they_are_fetched_say_nothing_about_the_store(
    shelf: Shelf, clock: ManualClock, fetcher: Any
) -> None:
    calls = shelf.add(shelf.company(), [AUDIO] * 2)
    source = hanging_source(shelf)
    working = fetcher(source)
    breakers = mailbox(working.directory, BREAKERS)
    wait_until(lambda: len(source.reading) == 2)
    goes, stays = calls
    shelf.connection.execute("DELETE FROM recordings WHERE call_id = %s", (goes,))
    pass_time(clock, lambda: not (shelf.source / source_name(goes)).exists())
    source.gate.set()
    wait_until(_stored(shelf, 1))
    working.workers.stop(10)
    working.stop_actor()  # having heard of both
    judged = breakers.next(RecordingJudged)
    assert (judged.call_id, judged.error) == (stays, None)
    assert breakers.empty


def test_a_probe_whose_recording_is_deleted_is_made_with_another(
    shelf: Shelf, clock: ManualClock, fetcher: Any
) -> None:
    write_breaker(shelf.connection, RECORDINGS, "open", TUESDAY)
    goes, stays = shelf.add(shelf.company(), [AUDIO] * 2)
    source = hanging_source(shelf)
    working = fetcher(source)
    breakers = mailbox(working.directory, BREAKERS)
    working.tell(ProbeWanted("recordings", 1, TUESDAY))
    wait_until(lambda: source.reading == {goes})
    shelf.connection.execute("DELETE FROM recordings WHERE call_id = %s", (goes,))
    pass_time(clock, lambda: not (shelf.source / source_name(goes)).exists())
    source.gate.set()
    judged = breakers.next(RecordingJudged)
    assert (judged.call_id, judged.error) == (stays, None)


def test_a_recording_that_is_missing_says_nothing_about_the_store_and_another_is_tried(
    shelf: Shelf, clock: ManualClock, fetcher: Any
) -> None:
    write_breaker(shelf.connection, RECORDINGS, "open", TUESDAY)
    missing, there = shelf.add(shelf.company(), [AUDIO] * 2)
    (shelf.source / source_name(missing)).unlink()
    working = fetcher(Source(shelf))
    breakers = mailbox(working.directory, BREAKERS)
    working.tell(ProbeWanted("recordings", 1, TUESDAY))
    judged = breakers.next(RecordingJudged)
    assert (judged.call_id, judged.error) == (there, None)
    clock.advance(timedelta(minutes=1))
    working.tell(ProbeWanted("recordings", 2, TUESDAY))
    assert breakers.next(ProbeReturned) == ProbeReturned("recordings", 2)


def test_a_download_that_was_to_try_the_store_and_is_broken_off_is_answered(shelf: Shelf, fetcher: Any) -> None:
    write_breaker(shelf.connection, RECORDINGS, "open", TUESDAY)
    shelf.add(shelf.company(), [AUDIO] * 2)
    source = hanging_source(shelf)
    working = fetcher(source)
    breakers = mailbox(working.directory, BREAKERS)
    working.tell(ProbeWanted("recordings", 1, TUESDAY))
    wait_until(lambda: source.reading)
    working.workers.stop(0)
    source.gate.set()
    assert breakers.next(ProbeReturned) == ProbeReturned("recordings", 1)
    working.tell(ProbeWanted("recordings", 2, TUESDAY))  # and no thread is to be had
    assert breakers.next(ProbeReturned) == ProbeReturned("recordings", 2)


def test_what_is_somewhere_else_than_it_was_to_be_is_refused(shelf: Shelf, fetcher: Any) -> None:
    (call,) = shelf.add(shelf.company(), [AUDIO])
    shelf.connection.execute("UPDATE recordings SET state = 'expected', ready_at = NULL")
    source = Source(shelf)
    working = fetcher(source)
    path = egress_path(shelf.source.as_uri(), call)
    working.tell(EgressEnded(Egress(call, "EG_1", EgressState.COMPLETE, None, path, "https://evil.example/a.ogg")))
    wait_until(lambda: shelf.states()["failed"] == 1)
    assert "refused: 'https://evil.example/a.ogg' is not in file://" in shelf.recording(call)["error_message"]
    assert not source.readings
    working.tell(EgressEnded(Egress(call, "EG_2", EgressState.COMPLETE, None, path, path, len(AUDIO), 7.5)))
    wait_until(_stored(shelf, 1))


@pytest.mark.parametrize(
    ("source", "location", "good"),
    [
        ("file:///in", "/in/{call}.ogg", True),
        ("file:///in", "file:///in/{call}.ogg", True),
        ("file:///in", "/in/../etc/passwd", False),
        ("file:///in", "http://127.0.0.1/in/{call}.ogg", False),
        ("s3://bucket/calls", "https://bucket.s3.eu-west-1.amazonaws.com/calls/{call}.ogg", True),
        ("s3://bucket/calls", "https://s3.amazonaws.com/bucket/calls/{call}.ogg", True),
        ("s3://bucket/calls", "s3://bucket/calls/{call}.ogg", True),
        ("s3://bucket/calls", "s3://other/calls/{call}.ogg", False),
        ("s3://bucket/calls", "https://other.s3.amazonaws.com/calls/{call}.ogg", False),
        ("s3://bucket/calls", "http://bucket.s3.amazonaws.com/calls/{call}.ogg", False),
        ("s3://bucket?endpoint_override=minio:9000&scheme=http", "http://minio:9000/bucket/{call}.ogg", True),
        ("s3://bucket?endpoint_override=minio:9000&scheme=http", "http://minio:9000/other/{call}.ogg", False),
        ("gs://bucket", "https://bucket.storage.googleapis.com/{call}.ogg", True),
        ("gs://bucket", "https://[bucket", False),
        ("gs://bucket", "", True),
    ],
)
def test_a_location_is_the_one_that_was_asked_for_or_is_refused(
    shelf: Shelf, source: str, location: str, good: bool
) -> None:
    (call,) = shelf.add(shelf.company(), [AUDIO])
    assert (refusal(source, call, "", location.format(call=call)) is None) is good
    assert refusal(source, call, "../another.ogg", "") is not None


def test_recordings_that_are_too_old_go_with_their_files(shelf: Shelf, clock: ManualClock, fetcher: Any) -> None:
    kept = shelf.company("keeps")
    forgetful = shelf.company("forgets", recording_retention_days=30)
    (stays,) = shelf.add(kept, [AUDIO])
    (goes,) = shelf.add(forgetful, [AUDIO])
    (young,) = shelf.add(forgetful, [AUDIO], TUESDAY + timedelta(days=10))
    clock.advance(timedelta(days=11))
    fetcher(Source(shelf), rules=Rules(delete_from_source=False))
    wait_until(_stored(shelf, 3))
    transcript = shelf.store / shelf.recording(goes)["file"].replace(".ogg", ".json")
    transcript.write_text("{}")
    clock.advance(timedelta(days=20))
    wait_until(lambda: shelf.files() == {f"{kept}/{stays}.ogg", f"{forgetful}/{young}.ogg"})
    assert {row["call_id"] for row in shelf.read("SELECT * FROM recordings")} == {stays, young}
    assert not (shelf.source / source_name(goes)).exists()
    wait_until(lambda: not shelf.read("SELECT * FROM discarded_recordings"))


def test_a_recording_deleted_while_it_is_fetched_leaves_no_file(shelf: Shelf, clock: ManualClock, fetcher: Any) -> None:
    shelf.add(shelf.company(), [AUDIO])
    source = hanging_source(shelf)
    fetcher(source)
    wait_until(lambda: source.reading)
    shelf.connection.execute("DELETE FROM recordings")
    source.gate.set()
    wait_until(lambda: not source.reading)
    pass_time(clock, lambda: not shelf.files() and not shelf.read("SELECT * FROM discarded_recordings"), step_s=30)


def _erase(shelf: Shelf) -> None:
    """What an erasure does with the recordings of whom it erases."""
    shelf.connection.execute("DELETE FROM recordings")


def _delete_campaign(shelf: Shelf) -> None:
    (campaign,) = shelf.read("SELECT id FROM campaigns")
    delete_campaign(shelf.connection, campaign["id"])


def test_what_an_attempt_that_died_has_left_of_a_deleted_recording_goes_with_it(
    shelf: Shelf, clock: ManualClock, fetcher: Any
) -> None:
    (call,) = shelf.add(shelf.company(), [AUDIO])
    for name in (f"{call}/audio", f"{call}-transcript/text"):
        left = shelf.store / "unfinished" / name
        left.parent.mkdir(parents=True)
        left.write_bytes(AUDIO)
    _erase(shelf)
    fetcher(Source(shelf))
    pass_time(clock, lambda: not shelf.read("SELECT * FROM discarded_recordings"))
    assert shelf.files() == set()


@pytest.mark.parametrize("forget", [_erase, _delete_campaign])
def test_what_livekit_writes_after_its_recording_was_deleted_goes_too_though_nobody_tells_of_it(
    shelf: Shelf, clock: ManualClock, fetcher: Any, forget: Callable[[Shelf], None]
) -> None:
    (call,) = shelf.add(shelf.company(), [AUDIO])
    late = shelf.source / source_name(call)
    late.unlink()
    shelf.connection.execute("UPDATE recordings SET state = 'expected', ready_at = NULL, next_attempt_at = NULL")
    forget(shelf)
    fetcher(Source(shelf), rules=Rules(egress_timeout=timedelta(minutes=5)))
    query = "SELECT keep_until FROM discarded_recordings WHERE tries > 0"
    (deleted,) = wait_until(lambda: shelf.read(query), what="it to be deleted once")
    assert deleted["keep_until"] == TUESDAY + timedelta(minutes=5)
    late.write_bytes(AUDIO)
    pass_time(clock, lambda: not late.exists())
    assert shelf.read("SELECT * FROM discarded_recordings"), "there may be more to come"
    pass_time(clock, lambda: not shelf.read("SELECT * FROM discarded_recordings"), step_s=30)
    assert clock.now() >= TUESDAY + timedelta(minutes=5)


def test_what_livekit_finishes_much_later_is_deleted_when_it_tells_of_it_but_nothing_of_an_unknown_call(
    shelf: Shelf, clock: ManualClock, fetcher: Any
) -> None:
    company = shelf.company()
    (ours,) = shelf.add(company, [AUDIO])
    working = fetcher(Source(shelf))
    wait_until(_stored(shelf, 1))
    _erase(shelf)
    pass_time(clock, lambda: not shelf.read("SELECT * FROM discarded_recordings"))
    stranger = new_id()
    for call in (stranger, ours):
        (shelf.source / source_name(call)).write_bytes(AUDIO)
        path = egress_path(shelf.source.as_uri(), call)
        working.tell(EgressEnded(Egress(call, "EG_1", EgressState.COMPLETE, None, path, path, len(AUDIO), 7.5)))
    pass_time(clock, lambda: not (shelf.source / source_name(ours)).exists())
    assert (shelf.source / source_name(stranger)).exists()


@pytest.mark.parametrize("what", ["audio", "transcript"])
def test_what_a_service_that_dies_has_just_written_of_an_erased_recording_goes_too(
    shelf: Shelf, clock: ManualClock, fetcher: Any, what: str
) -> None:
    """It is told of by nobody."""
    company = shelf.company()
    (call,) = shelf.add(company, [AUDIO])
    dying = hanging_source(shelf)
    if what == "audio":
        first = fetcher(dying)
        wait_until(lambda: dying.reading)
        first.die()
    else:
        shelf.connection.execute(
            "UPDATE recordings SET state = 'stored', stored_at = now(), transcript_state = 'running',"
            " file = 'audio', bytes = 1, sha256 = '', next_attempt_at = NULL, transcript_by = %s",
            (new_id(),),
        )
    _erase(shelf)
    fetcher(Source(shelf), rules=Rules(egress_timeout=timedelta(minutes=1)))
    wait_until(lambda: not (shelf.source / source_name(call)).exists(), what="it to be deleted once")
    written = shelf.store / str(company) / f"{call}.{'ogg' if what == 'audio' else 'json'}"
    written.parent.mkdir(exist_ok=True)
    written.write_bytes(AUDIO)
    pass_time(clock, lambda: not shelf.read("SELECT * FROM discarded_recordings"))
    assert not written.exists()
    dying.gate.set()


class _Slow(Source):
    """A source in which a deletion takes its time: it is done, and others are still to be deleted with it."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf)
        self.deleted, self.go_on = threading.Event(), threading.Event()

    def delete_file(self, path: str) -> None:
        super().delete_file(path)
        self.deleted.set()
        self.go_on.wait(30)


@pytest.mark.parametrize("what", ["audio", "transcript", "LiveKit's file"])
def test_what_is_written_of_an_erased_recording_while_its_files_are_being_deleted_goes_too(
    shelf: Shelf, clock: ManualClock, fetcher: Any, what: str
) -> None:
    company = shelf.company()
    (call,) = shelf.add(company, [AUDIO])
    source = _Slow(shelf)
    working = fetcher(source, rules=Rules(delete_from_source=False, egress_timeout=timedelta(minutes=1)))
    wait_until(_stored(shelf, 1))
    (row,) = shelf.read("SELECT r.id, c.campaign_id FROM recordings r JOIN calls c ON c.id = r.call_id")
    recording = Recording(row["id"], call, company, row["campaign_id"])
    _erase(shelf)
    pass_time(clock, source.deleted.is_set)
    audio, transcript = f"{company}/{call}.ogg", f"{company}/{call}.json"
    path = egress_path(shelf.source.as_uri(), call)
    file, message = {
        "audio": (shelf.store / audio, Downloaded(recording, TUESDAY, audio, len(AUDIO), "", 1, fetched=True)),
        "transcript": (shelf.store / transcript, Transcribed(recording, transcript)),
        "LiveKit's file": (
            shelf.source / source_name(call),
            EgressEnded(Egress(call, "EG_1", EgressState.COMPLETE, None, path, path, len(AUDIO), 7.5)),
        ),
    }[what]
    file.write_bytes(AUDIO)
    working.tell(message)
    source.go_on.set()
    pass_time(clock, lambda: not shelf.read("SELECT * FROM discarded_recordings"))
    assert not file.exists()


def test_a_long_recording_is_stored_in_little_memory(shelf: Shelf, tmp_path: Path) -> None:
    company = shelf.company()
    (call,) = shelf.add(company, [AUDIO])
    size = 64 << 20
    with (shelf.source / source_name(call)).open("wb") as file:
        file.truncate(size)
    storage = Storage(opener(shelf.source.as_uri()), opener(shelf.store.as_uri()))
    tracemalloc.start()
    try:
        stored = storage.fetch(company, call, size, threading.Event())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (stored.bytes, stored.file) == (size, f"{company}/{call}.ogg")
    assert peak < 4 << 20
    assert shelf.files() == {stored.file}
