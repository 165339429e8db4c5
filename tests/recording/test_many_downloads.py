"""Two thousand recordings of five companies, from a source that is slow and fails, by two supervisors."""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import UUID

from tests.manual_clock import ManualClock
from tests.recording.shelf import Fetcher, Shelf, Source, pass_time
from tests.world import TUESDAY

COMPANIES, EACH = 5, 400
LENGTH = 65 << 10
LOST = 0  # of a hundred, whose download never succeeds
MISHAPS = {1: "refused", 2: "refused", 3: "cut", 4: "cut", 5: "short"}


def _mishap(call: UUID, nth: int) -> str | None:
    share = call.int % 100
    if share == LOST:
        return "refused"
    return MISHAPS.get(share) if nth == 1 else None


def _audio(what: str) -> bytes:
    """As long as a few seconds of speech: all of them together are several times what memory may grow by."""
    return what.encode() * (LENGTH // len(what))


def _resident_mib() -> float:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096 / 2**20


def test_no_company_has_more_than_its_slots_every_file_is_whole_and_memory_stays_flat(tmp_path: Path, dsn: str) -> None:
    shelf, clock = Shelf(tmp_path, dsn), ManualClock(TUESDAY)
    for place in range(COMPANIES):
        company = shelf.company(f"company{place}")
        shelf.add(company, [_audio(f"{place} {n} ") for n in range(EACH)])
    source = Source(shelf, _mishap, slow_s=0.001)
    fetchers = [Fetcher(shelf, source.open, clock) for _ in range(2)]
    for fetcher in fetchers:
        fetcher.start()
    lost = sum(call.int % 100 == LOST for call in shelf.contents)

    def stored(least: int) -> bool:
        return shelf.states()["stored"] >= least

    pass_time(clock, lambda: stored(COMPANIES * EACH // 4))
    before = _resident_mib()
    pass_time(clock, lambda: stored(COMPANIES * EACH - lost) and shelf.states()["failed"] == lost)
    assert _resident_mib() < before + 25
    for fetcher in fetchers:
        fetcher.close()

    assert len(source.most) == COMPANIES and max(source.most.values()) <= 3
    rows = shelf.read("SELECT * FROM recordings WHERE state = 'stored'")
    for row in rows:
        content = (shelf.store / row["file"]).read_bytes()
        assert content == shelf.contents[row["call_id"]]
        assert (row["bytes"], row["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert source.readings[row["call_id"]] == row["attempts"], "it was fetched more often than was counted"
    assert shelf.files() == {row["file"] for row in rows}, "something is left over"
    failed = shelf.read("SELECT * FROM recordings WHERE state = 'failed'")
    assert all(row["attempts"] == 4 and "the source is busy" in row["error_message"] for row in failed)
    assert not shelf.read("SELECT * FROM recording_slots")
    shelf.close()
