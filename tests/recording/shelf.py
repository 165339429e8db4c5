"""Recordings that wait to be fetched, a source that can be slow and can fail, and those who fetch them."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, LiteralString
from uuid import UUID

import psycopg
import pyarrow
from psycopg.rows import dict_row
from pyarrow.fs import FileInfo, FileSystem, FileSystemHandler, FileType, PyFileSystem, SubTreeFileSystem

from actors.actor import Surroundings
from actors.addresses import RECORDING, Directory
from actors.ids import new_id
from actors.recording.actor import Recordings
from actors.recording.places import source_name
from actors.recording.rules import Rules
from actors.recording.storage import Storage, opener
from actors.recording.transcription import Transcription
from actors.recording.workers import Workers
from actors.roster import leases
from supervisor.database.pool import open_pool
from supervisor.metrics import Metrics
from supervisor.tree.timer import TimerThread
from tests.manual_clock import ManualClock
from tests.waiting import wait_until
from tests.world import TUESDAY

RULES = Rules(attempts=4, retry_delay=timedelta(seconds=10), jitter=0, most_downloads=12)

Mishap = Callable[[UUID, int], str | None]
"""What goes wrong with the n-th download of a call's recording: `refused`, `cut`, `short`, or None."""


class Shelf:
    """The database and the files of finished recordings, at rest."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.dsn = dsn
        self.source, self.store = folder / "source", folder / "store"
        self.source.mkdir()
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.contents: dict[UUID, bytes] = {}  # by call

    def close(self) -> None:
        self.connection.close()

    def company(self, slug: str = "acme", **columns: Any) -> UUID:
        """A company with a campaign."""
        company = new_id()
        values = {"recording_slots": 3, "recording_retention_days": None, **columns}
        self.connection.execute(
            "INSERT INTO companies (id, slug, name, recording_slots, recording_retention_days, created_at, updated_at)"
            " VALUES (%(id)s, %(slug)s, %(slug)s, %(recording_slots)s, %(recording_retention_days)s, %(at)s, %(at)s)",
            {"id": company, "slug": slug, "at": TUESDAY, **values},
        )
        skillbase = new_id()
        self.connection.execute(
            "INSERT INTO skillbases (id, company_id, slug, agent_name, created_at, updated_at)"
            " VALUES (%s, %s, 'any', 'agent', %s, %s)",
            (skillbase, company, TUESDAY, TUESDAY),
        )
        self.connection.execute(
            "INSERT INTO campaigns (id, company_id, skillbase_id, slug, name, trunk, created_at, updated_at)"
            " VALUES (%s, %s, %s, %s, %s, 'main', %s, %s)",
            (new_id(), company, skillbase, slug, slug, TUESDAY, TUESDAY),
        )
        return company

    def add(self, company: UUID, contents: list[bytes], created_at: datetime = TUESDAY) -> list[UUID]:
        """Recordings that are ready to be fetched, of calls that were answered; returns the calls."""
        calls = [new_id() for _ in contents]
        tasks = [new_id() for _ in contents]
        (campaign,) = self.connection.execute("SELECT id FROM campaigns WHERE company_id = %s", (company,)).fetchone()
        self.connection.execute(
            "INSERT INTO call_tasks (id, campaign_id, phone_number, status, created_at, updated_at)"
            " SELECT id, %s, id::text, 'completed', %s, %s FROM unnest(%s) id",
            (campaign, created_at, created_at, tasks),
        )
        self.connection.execute(
            "INSERT INTO calls (id, task_id, campaign_id, company_id, trunk, phone_number, attempt, state, outcome,"
            "  claimed_at, answered_at, ended_at)"
            " SELECT c, t, %s, %s, 'main', t::text, 1, 'ended', 'answered', %s, %s, %s FROM unnest(%s, %s) AS x(c, t)",
            (campaign, company, created_at, created_at, created_at, calls, tasks),
        )
        self.connection.execute(
            "INSERT INTO recordings (id, call_id, company_id, state, source_bytes, duration_s, ready_at,"
            "  next_attempt_at, created_at, updated_at)"
            " SELECT r, c, %s, 'pending', b, 7.5, %s, %s, %s + n * interval '1 ms', %s"
            " FROM unnest(%s, %s, %s) WITH ORDINALITY AS x(r, c, b, n)",
            (company, created_at, created_at, created_at, created_at, [new_id() for _ in calls], calls,
             [len(content) for content in contents]),
        )  # fmt: skip
        for call, content in zip(calls, contents, strict=True):
            (self.source / source_name(call)).write_bytes(content)
            self.contents[call] = content
        return calls

    def read(self, query: LiteralString, *values: Any) -> list[dict[str, Any]]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()

    def recording(self, call: UUID) -> dict[str, Any]:
        (row,) = self.read("SELECT * FROM recordings WHERE call_id = %s", call)
        return row

    def states(self) -> Counter[str]:
        return Counter(
            {row["state"]: row["n"] for row in self.read("SELECT state, count(*) AS n FROM recordings GROUP BY 1")}
        )

    def open_store(self) -> FileSystem:
        """Not a plain local one: its data would not survive the machine, which tests don't ask."""
        return SubTreeFileSystem("", opener(self.store.as_uri())())

    def files(self) -> set[str]:
        return {str(path.relative_to(self.store)) for path in self.store.rglob("*") if path.is_file()}


class Source(FileSystemHandler):
    """The shelf's source, with mishaps; knows who reads. `slow_s`: how long each download takes at least; `gate`: none
    ends before it is open."""

    def __init__(self, shelf: Shelf, mishap: Mishap = lambda call, nth: None, slow_s: float = 0) -> None:
        self._folder = shelf.source
        self._mishap = mishap
        self._slow_s = slow_s
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()
        self.readings: Counter[UUID] = Counter()
        self.order: list[UUID] = []  # of the calls' first readings
        self.reading: set[UUID] = set()
        self.companies = {row["call_id"]: row["company_id"] for row in shelf.read("SELECT * FROM recordings")}
        self.most: Counter[UUID] = Counter()  # readings at once, by company

    def open(self) -> PyFileSystem:
        return PyFileSystem(self)

    def get_type_name(self) -> str:
        return "shelf"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[FileInfo]:
        return [self._info(path) for path in paths]

    def _info(self, path: str) -> FileInfo:
        file = self._folder / path
        if not file.is_file():
            return FileInfo(path, FileType.NotFound)
        return FileInfo(path, FileType.File, size=file.stat().st_size)

    def open_input_stream(self, path: str) -> Any:
        call = UUID(Path(path).stem)
        with self._lock:
            self.readings[call] += 1
            nth = self.readings[call]
            if nth == 1:
                self.order.append(call)
            self.reading.add(call)
            company = self.companies[call]
            at_once = sum(self.companies[other] == company for other in self.reading)
            self.most[company] = max(self.most[company], at_once)
        mishap = self._mishap(call, nth)
        if mishap == "refused":
            self.ended(call)
            raise OSError("the source is busy")
        self.gate.wait(30)
        threading.Event().wait(self._slow_s)
        try:
            file = (self._folder / path).open("rb")
        except OSError:  # deleted meanwhile
            self.ended(call)
            raise
        return pyarrow.PythonFile(_Reading(self, call, file, mishap), mode="r")

    def ended(self, call: UUID) -> None:
        with self._lock:
            self.reading.discard(call)

    def delete_file(self, path: str) -> None:
        (self._folder / path).unlink()

    def _never(self, *arguments: Any) -> Any:
        raise AssertionError("nobody does this to a source")

    copy_file = create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = move = _never
    get_file_info_selector = open_append_stream = open_input_file = open_output_stream = _never


class _Reading:
    """A file that is read; a mishap comes after its first bytes."""

    def __init__(self, source: Source, call: UUID, file: BinaryIO, mishap: str | None) -> None:
        self._source, self._call, self._file, self._mishap = source, call, file, mishap
        self._given = 0

    @property
    def closed(self) -> bool:
        return self._file.closed

    def read(self, count: int) -> bytes:
        if self._mishap is not None and self._given:
            if self._mishap == "cut":
                raise OSError("the connection was cut")
            return b""
        part = self._file.read(min(count, 100) if self._mishap else count)
        self._given += len(part)
        return part

    def close(self) -> None:
        self._file.close()
        self._source.ended(self._call)


class Fetcher:
    """One supervisor's recordings' actor, at work on the shelf; others see by its lock that it lives."""

    def __init__(
        self,
        shelf: Shelf,
        source: Callable[[], Any],
        clock: ManualClock,
        rules: Rules = RULES,
        transcription: Callable[[Storage], Transcription] | None = None,
        livekit: Callable[[Directory], Any] | None = None,
    ) -> None:
        self.id = new_id()
        self._shelf, self._clock, self._rules = shelf, clock, rules
        self._closing = ExitStack()
        self._lock = self._closing.enter_context(psycopg.connect(shelf.dsn, autocommit=True))
        self._lock.execute(leases.APPEAR, (self.id,))
        self.directory = Directory()
        self.pool = open_pool(shelf.dsn, 4)
        self._closing.callback(self.pool.close)
        self.timer = TimerThread(clock, self.directory, self._died)
        self.timer.start()
        self._closing.callback(self.timer.stop)
        self.storage = Storage(source, shelf.open_store)
        self.gateway = livekit(self.directory) if livekit else None  # recordings that wait have no more to ask of it
        self.workers = Workers(self.directory)
        self.metrics = Metrics("test")
        self.transcription = transcription(self.storage) if transcription else None
        self._closing.callback(self.workers.stop, 10)
        if self.transcription is not None:
            self._closing.callback(self.transcription.stop)
        self.generation = 0

    def start(self) -> None:
        """Its actor, or another in its place."""
        self.generation += 1
        ref = Recordings.start(
            RECORDING,
            self.generation,
            Surroundings(self._clock, self.timer, self.directory, lambda: 0.0),
            pool=self.pool,
            gateway=self.gateway,
            workers=self.workers,
            storage=self.storage,
            transcription=self.transcription,
            telemetry=self.metrics,
            supervisor_id=self.id,
            source=self._shelf.source.as_uri(),
            rules=self._rules,
            chance=lambda: 0.5,
        )
        self._ref = ref

    def tell(self, message: object) -> None:
        assert self.directory.tell(RECORDING, message)

    def stop_actor(self) -> None:
        self._ref.stop(timeout=10)
        self.directory.leave(RECORDING)

    def die(self) -> None:
        """As the process would: nothing is said, nothing given back."""
        self.stop_actor()
        self._lock.close()

    def close(self) -> None:
        self._ref.stop(timeout=10)
        self._closing.close()

    def _died(self, error: BaseException) -> None:
        raise AssertionError("a thread has died") from error


def pass_time(clock: ManualClock, until: Callable[[], bool], timeout_s: float = 60, step_s: float = 2) -> None:
    """Move the clock on and on until it is so; not so often that this is what there is to do."""
    looks = itertools.count()

    def moved() -> bool:
        if next(looks) % 20:
            return False
        clock.advance(timedelta(seconds=step_s))
        return until()

    wait_until(moved, timeout_s)
