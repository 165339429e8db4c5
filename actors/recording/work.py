"""What the recordings' workers do: each waits for storage, and ends in one message for the actor."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from time import perf_counter
from uuid import UUID

from actors.recording.ledger import Claimed
from actors.recording.messages import (
    Downloaded,
    DownloadFailed,
    FilesDeleted,
    Recording,
    SourceDeleted,
    Transcribed,
    TranscriptionFailed,
)
from actors.recording.storage import InterruptedFetchError, Storage, StorageError
from actors.recording.transcription import Transcription, TranscriptionError
from actors.recording.transcripts import ToTranscribe
from actors.recording.workers import Work

_STOPPING = "the process is about to stop"


def download(storage: Storage, claimed: Claimed, asked_at: datetime) -> Work:
    """Fetches a recording: `Downloaded` or `DownloadFailed`."""
    recording = _of(claimed)

    def fetch(stopping: threading.Event) -> Downloaded | DownloadFailed:
        began = perf_counter()
        try:
            stored = storage.fetch(claimed.company_id, claimed.call_id, claimed.expected_bytes, stopping)
        except StorageError as error:
            return DownloadFailed(
                recording, asked_at, claimed.attempt, str(error), perf_counter() - began, error.storage_failed
            )
        except InterruptedFetchError:
            return interrupted(claimed, asked_at, _STOPPING)
        return Downloaded(
            recording,
            asked_at,
            stored.file,
            stored.bytes,
            stored.sha256,
            perf_counter() - began,
            fetched=stored.fetched,
        )

    return fetch


def interrupted(claimed: Claimed, asked_at: datetime, reason: str) -> DownloadFailed:
    """A download that nobody is to blame for."""
    return DownloadFailed(_of(claimed), asked_at, claimed.attempt, reason, 0, storage_failed=False, interrupted=True)


def source_deletion(storage: Storage, recording: Recording) -> Work:
    """Deletes the source's copy of a stored recording: `SourceDeleted`."""

    def delete(stopping: threading.Event) -> SourceDeleted:
        try:
            storage.delete_from_source(recording.call_id)
        except StorageError as error:
            return SourceDeleted(recording, str(error))
        return SourceDeleted(recording, None)

    return delete


def deletion(storage: Storage, discarded: Sequence[tuple[UUID, UUID]]) -> Work:
    """Deletes all files of these calls (company, call): `FilesDeleted`."""

    def delete(stopping: threading.Event) -> FilesDeleted:
        deleted: list[UUID] = []
        left: list[UUID] = []
        reason = None
        for company_id, call_id in discarded:
            if stopping.is_set():
                break
            try:
                storage.delete(company_id, call_id)
                deleted.append(call_id)
            except StorageError as error:
                left.append(call_id)
                reason = str(error)
        return FilesDeleted(tuple(deleted), tuple(left), reason)

    return delete


def transcript(transcription: Transcription, item: ToTranscribe) -> Work:
    """Makes the transcript of a stored recording: `Transcribed` or `TranscriptionFailed`."""
    recording = _of(item)

    def transcribe(stopping: threading.Event) -> Transcribed | TranscriptionFailed:
        try:
            file = transcription.make(item.company_id, item.call_id, stopping)
        except TranscriptionError as error:
            return TranscriptionFailed(recording, item.attempt, str(error), counts=True)
        except StorageError as error:
            return TranscriptionFailed(recording, item.attempt, str(error), counts=not error.storage_failed)
        except InterruptedFetchError:
            return not_transcribed(item, _STOPPING)
        return Transcribed(recording, file)

    return transcribe


def not_transcribed(item: ToTranscribe, reason: str) -> TranscriptionFailed:
    """A transcript that nobody is to blame for."""
    return TranscriptionFailed(_of(item), item.attempt, reason, counts=False)


def _of(recording: Recording) -> Recording:
    """The ids alone."""
    return Recording(recording.recording_id, recording.call_id, recording.company_id, recording.campaign_id)
