"""The recordings' actor: learns of recordings, has them fetched into the store, transcribed, and deleted in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from actors.actor import Actor, Surroundings
from actors.addresses import BREAKERS, SUPERVISOR, Address
from actors.breakers.messages import ProbeReturned, ProbeWanted, RecordingJudged, WhatFails
from actors.campaign.messages import ServicesFailing
from actors.ids import new_id
from actors.recording import ledger, transcripts, work
from actors.recording.expected import Expected
from actors.recording.gateway import EgressGateway
from actors.recording.ledger import Claimed, Released
from actors.recording.messages import (
    Downloaded,
    DownloadFailed,
    EgressEnded,
    EgressFound,
    EgressLookFailed,
    EgressNotStarted,
    EgressStarted,
    FilesDeleted,
    GatewayBroken,
    Recording,
    RecordingWanted,
    SourceDeleted,
    Transcribed,
    TranscriptionFailed,
    WorkerFailed,
)
from actors.recording.rules import Rules
from actors.recording.storage import Storage
from actors.recording.transcription import Transcription
from actors.recording.workers import Kind, Work, Workers
from actors.services import RECORDINGS
from actors.telemetry import Telemetry

PULSE = timedelta(seconds=10)
"""How often it looks for what nobody has told it: lost webhooks, slots of dead supervisors, recordings to retry."""
EXPIRE_EVERY = timedelta(minutes=10)
_NO_THREAD = "there was no thread to be had, or the process is about to stop"
_DELETIONS = 200
"""Recordings that are deleted together."""


@dataclass(frozen=True)
class Pulse:
    """Reminder: look around."""


@dataclass(frozen=True)
class Fetch:
    """Reminder: there may be something to fetch, and a slot for it."""


@dataclass(frozen=True)
class Expire:
    """Reminder: some recordings may have become too old."""


class Recordings(Actor):
    """One for the process, at work whatever else is held or switched off. The table is its queue: a restart of it, or
    of the process, goes on with what stands there, and supervisors of one database share it row by row. It never waits
    for LiveKit or for storage: the gateway and its workers do, and tell it."""

    def __init__(
        self,
        address: Address,
        generation: int,
        surroundings: Surroundings,
        *,
        pool: ConnectionPool,
        gateway: EgressGateway,
        workers: Workers,
        storage: Storage,
        transcription: Transcription | None,
        telemetry: Telemetry,
        supervisor_id: UUID,
        source: str,
        rules: Rules,
        chance: Callable[[], float],
    ) -> None:
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._pool = pool
        self._expected = Expected(pool, gateway, source, rules, self.log)
        self._workers = workers
        self._storage = storage
        self._transcription = transcription
        self._telemetry = telemetry
        self._supervisor_id = supervisor_id
        self._rules = rules
        self._chance = chance
        self._store_fails = False
        self._probe: ProbeWanted | None = None  # what is to show whether the store works
        self._probe_download: UUID | None = None
        self._at_work: dict[Kind, set[UUID]] = {}  # begun, and its end not heard of

    def started(self) -> None:
        self._at_work = {kind: set(self._workers.under_way(kind)) for kind in Kind}
        self.tell(BREAKERS, WhatFails(self.address))
        self._pulse()
        self._expire()

    def stopped(self) -> None:
        """Its workers are about to be broken off, and nobody will be told by them."""
        with self._pool.connection() as connection:
            transcripts.give_back(connection, self._supervisor_id, self.clock.now())

    def receive(self, message: Any) -> None:
        match message:
            case RecordingWanted():
                self._expected.record(message.call_id, look_first=False)
            case EgressStarted():
                self._expected.started(message, self.clock.now())
            case EgressNotStarted():
                self._expected.not_started(message, self.clock.now())
            case EgressEnded():
                self._fetch_soon_if(self._expected.learn(message.egress, self.clock.now()))
            case EgressFound():
                self._fetch_soon_if(self._expected.found(message, self.clock.now()))
            case EgressLookFailed():
                self._expected.look_failed(message)
            case Downloaded():
                self._downloaded(message)
            case DownloadFailed():
                self._download_failed(message)
            case SourceDeleted():
                self._at_work[Kind.SOURCE_DELETION].discard(message.recording.recording_id)
                if message.error is not None:
                    self._log(message.recording).warning("source_not_deleted", error=message.error)
            case Transcribed():
                self._transcribed(message)
            case TranscriptionFailed():
                self._transcription_failed(message)
            case FilesDeleted():
                self._deleted(message)
            case ServicesFailing():
                self._store_fails = RECORDINGS in message.services
                if RECORDINGS not in message.probing:
                    self._probe = None
                self._fetch()
            case ProbeWanted():
                self._probe = message
                self._try_store()
            case Fetch():
                self._fetch()
            case Expire():
                self._expire()
            case Pulse():
                self._pulse()
            case WorkerFailed() | GatewayBroken():
                raise RuntimeError(message.error)
            case _:
                raise TypeError(f"the recordings' actor can't do anything with {message!r}")

    def _pulse(self) -> None:
        now = self.clock.now()
        busy = self._at_work[Kind.DOWNLOAD]
        with self._pool.connection() as connection:
            interrupted = ledger.interrupt(connection, self._supervisor_id, busy, now)
            self._telemetry.recordings_counted(ledger.count(connection), ledger.count_slots(connection, now))
        for recording in interrupted:
            self._log(recording).warning("download_interrupted", reason="whoever fetched it died")
        self._expected.look(now)
        self._fetch()
        self._transcribe()
        self._delete()
        self.remind("pulse", now + PULSE, Pulse())

    # Downloads

    def _fetch_soon_if(self, ready: bool) -> None:
        """Many may become ready at once: they are looked at together."""
        if ready:
            self.remind("fetch", self.clock.now(), Fetch())

    def _fetch(self) -> None:
        if self._store_fails:
            return
        room = self._rules.most_downloads - len(self._at_work[Kind.DOWNLOAD])
        if room > 0 and not self._claim(room):
            with self._pool.connection() as connection:
                due = ledger.next_due(connection)
            if due is not None and due > self.clock.now():
                self.remind("fetch", due, Fetch())

    def _claim(self, room: int, *, probe: bool = False) -> bool:
        """Begin up to so many downloads; whether there were any."""
        busy = self._at_work[Kind.DOWNLOAD]
        now = self.clock.now()
        with self._pool.connection() as connection:
            claimed = ledger.claim(connection, self._supervisor_id, now, room, busy, probe=probe)
        for recording in claimed:
            if probe:
                self._probe_download = recording.recording_id
            self._begin(recording, now)
        return bool(claimed)

    def _try_store(self) -> None:
        """By one download, as the breakers have asked for."""
        if not self._claim(1, probe=True):
            self._return_probe()

    def _return_probe(self) -> None:
        probe, self._probe = self._probe, None
        if probe is None:
            return
        with self._pool.connection() as connection:
            unneeded = ledger.nothing_to_fetch(connection)
        self.tell(BREAKERS, ProbeReturned(probe.service, probe.generation, unneeded))

    def _begin(self, claimed: Claimed, now: datetime) -> None:
        log = self._log(claimed)
        active = f"{claimed.under_way}/{claimed.slots}"
        log.info("worker_picked", job_type="download_recording", retry=claimed.attempt - 1)
        log.info("worker_slot_acquired", slot=claimed.slot, active=active)
        log.info("download_start", attempt=claimed.attempt)
        download = work.download(self._storage, claimed, now)
        if not self._employ(Kind.DOWNLOAD, claimed.recording_id, download):
            self._download_failed(work.interrupted(claimed, now, _NO_THREAD))

    def _downloaded(self, done: Downloaded) -> None:
        self._at_work[Kind.DOWNLOAD].discard(done.recording.recording_id)
        self.tell(BREAKERS, RecordingJudged(done.recording.call_id, done.asked_at, None))
        now = self.clock.now()
        wants_text = self._transcription is not None
        with self._pool.connection() as connection:
            released = ledger.finish(connection, self._supervisor_id, done, now, transcribe=wants_text)
            if released is None:
                ledger.discard_if_gone(connection, done.recording)
        self._log(done.recording).info(
            "worker_download_done",
            file=done.file,
            bytes=done.bytes,
            duration_ms=round(done.seconds * 1000),
            fetched=done.fetched,
        )
        self._released(done.recording, released, "stored")
        if released is not None:
            self._telemetry.recording_fetched(released.company, "stored", done.seconds)
            if self._rules.delete_from_source:
                deletion = work.source_deletion(self._storage, done.recording)
                self._employ(Kind.SOURCE_DELETION, done.recording.recording_id, deletion)
            self._transcribe()
        self._fetch()

    def _download_failed(self, failed: DownloadFailed) -> None:
        self._at_work[Kind.DOWNLOAD].discard(failed.recording.recording_id)
        log = self._log(failed.recording)
        now = self.clock.now()
        probed = self._probe is not None and failed.recording.recording_id == self._probe_download
        if failed.interrupted:
            # Its slot is given back by the next pulse, or by whoever goes on after this process.
            log.warning("download_interrupted", reason=failed.error)
            if probed:
                self._return_probe()
            return
        with self._pool.connection() as connection:
            released = ledger.fail(
                connection,
                self._supervisor_id,
                failed.recording.recording_id,
                failed.error,
                now,
                most_attempts=self._rules.attempts,
                delay=self._rules.delay(failed.attempt, self._chance()),
                storage_failed=failed.storage_failed,
            )
        log.warning("download_failed", attempt=failed.attempt, error=failed.error)
        self._released(failed.recording, released, "failed")
        if released is not None:
            self._telemetry.recording_fetched(released.company, "failed", failed.seconds)
            if released.state == "failed":
                log.error("recording_failed", error=failed.error, attempts=failed.attempt)
        # The file of one that was deleted meanwhile may have gone before it was read.
        if failed.storage_failed and released is not None:
            self.tell(BREAKERS, RecordingJudged(failed.recording.call_id, failed.asked_at, failed.error))
        elif probed:
            self._try_store()  # with another: this one's fault says nothing about the store
        self._fetch()

    def _released(self, recording: Recording, released: Released | None, reason: str) -> None:
        log = self._log(recording)
        log.info("worker_release_slot", reason=reason)
        if released is None:
            log.warning("recording_slot_lost", reason="it was taken by another supervisor, or the recording is deleted")
        else:
            active = f"{released.under_way}/{released.slots}"
            log.info("recording_slot_released", reason=reason, active_after=active)

    # Transcripts

    def _transcribe(self) -> None:
        if self._transcription is None or self._store_fails or self._at_work[Kind.TRANSCRIPT]:
            return
        now, most = self.clock.now(), self._rules.transcript_attempts
        with self._pool.connection() as connection:
            item = transcripts.take(connection, self._supervisor_id, now, most_attempts=most)
            while item is not None and item.failed:
                error = transcripts.DIED_WITH_THE_SERVICE
                self._log(item).warning("transcription_given_up", attempt=item.attempt, error=error)
                self._telemetry.transcribed("failed")
                item = transcripts.take(connection, self._supervisor_id, now, most_attempts=most)
        if item is not None:
            self._log(item).info("worker_picked", job_type="transcribe_recording", retry=item.attempt - 1)
            if not self._employ(Kind.TRANSCRIPT, item.recording_id, work.transcript(self._transcription, item)):
                self._transcription_failed(work.not_transcribed(item, _NO_THREAD))

    def _transcribed(self, done: Transcribed) -> None:
        self._at_work[Kind.TRANSCRIPT].discard(done.recording.recording_id)
        with self._pool.connection() as connection:
            transcripts.finish(connection, done.recording.recording_id, done.file, self.clock.now())
            ledger.discard_if_gone(connection, done.recording)
        self._log(done.recording).info("transcript_stored", file=done.file)
        self._telemetry.transcribed("stored")
        self._transcribe()

    def _transcription_failed(self, failed: TranscriptionFailed) -> None:
        self._at_work[Kind.TRANSCRIPT].discard(failed.recording.recording_id)
        most = self._rules.transcript_attempts
        delay = self._rules.delay(failed.attempt, self._chance())
        with self._pool.connection() as connection:
            transcripts.fail(connection, failed, self.clock.now(), most_attempts=most, delay=delay)
        self._log(failed.recording).warning("transcription_failed", attempt=failed.attempt, error=failed.error)
        self._telemetry.transcribed("failed")
        if failed.counts:  # else the next would fare no better now: the pulse looks again
            self._transcribe()

    # Deletion

    def _expire(self) -> None:
        now = self.clock.now()
        with self._pool.connection() as connection:
            expired = ledger.expire(connection, now, _DELETIONS)
        if expired:
            self.log.info("recordings_expired", count=expired)
        self._delete()
        self.remind("expire", now if expired == _DELETIONS else now + EXPIRE_EVERY, Expire())

    def _delete(self, *, untried: bool = False) -> None:
        with self._pool.connection() as connection:
            discarded = ledger.read_discarded(connection, _DELETIONS, untried=untried)
        if discarded and not self._at_work[Kind.DELETION]:
            self._employ(Kind.DELETION, new_id(), work.deletion(self._storage, discarded))

    def _deleted(self, done: FilesDeleted) -> None:
        self._at_work[Kind.DELETION].clear()
        now, patience = self.clock.now(), self._rules.patience(known=True)
        with self._pool.connection() as connection:
            forgotten = ledger.forget_discarded(connection, done.deleted, done.left, now, patience)
        for call_id in forgotten:
            self.log.info("recording_files_deleted", call=str(call_id))
        if done.left:
            self.log.warning("recording_files_not_deleted", count=len(done.left), error=done.error)
        elif done.deleted:
            self._delete(untried=True)

    def _employ(self, kind: Kind, work_id: UUID, task: Work) -> bool:
        """Have a worker do it; False: none is to be had."""
        begun = self._workers.begin(kind, work_id, task)
        if begun:
            self._at_work[kind].add(work_id)
        return begun

    def _log(self, recording: Recording) -> Any:
        return self.log.bind(**recording.ids)
