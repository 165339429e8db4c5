"""Fetching recordings from where LiveKit puts them into the store, in constant memory, and deleting them."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

from actors.recording.places import (
    growing_folder,
    growing_transcript_folder,
    source_name,
    stored_name,
    transcript_name,
)

# Imported where it is used, which is with the first file: a service that has none does without its 40 MB.
if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

CHUNK = 1 << 18
"""Bytes in memory at a time, for each download."""
BUCKET_GIVEN_UP_AFTER_S = 10
"""What Google's client can't reach, it would try again for a quarter of an hour, with a slot in use; Amazon's gives up
after some seconds by itself."""


class StorageError(Exception):
    """A recording could not be fetched; `storage_failed`: and others could not have been either."""

    def __init__(self, reason: str, *, storage_failed: bool = False) -> None:
        super().__init__(reason)
        self.storage_failed = storage_failed


class InterruptedFetchError(Exception):
    """The process is about to stop."""


@dataclass(frozen=True)
class Stored:
    """A recording that is whole."""

    file: str  # under the store
    bytes: int
    sha256: str
    fetched: bool  # False: it was there


class Storage:
    """The source and the store, any of pyarrow's filesystems. Every method waits for them: for workers' threads, any
    number of them, never for an actor's. Which file system is behind an address is found out when it is first used:
    one that can't be reached then is tried again with the next file."""

    def __init__(self, source: Callable[[], FileSystem], store: Callable[[], FileSystem]) -> None:
        self._source = _Opened(source)
        self._store = _Opened(store)

    def fetch(self, company_id: UUID, call_id: UUID, expected_bytes: int | None, stopping: threading.Event) -> Stored:
        """Bring the call's recording into the store. Raises StorageError, or InterruptedFetchError once `stopping` is
        set; then nothing has appeared under its name. One that is there already, whole, is not fetched again."""
        final = stored_name(company_id, call_id)
        growing = growing_folder(call_id)
        with _failures():
            source, store = self._source.get(), self._store.get()
            size = _size(source, source_name(call_id))
            there = _size(store, final)
            if there is not None and there == (size if size is not None else expected_bytes):
                return Stored(final, there, _digest(store, final, stopping), fetched=False)
            if size is None:
                raise StorageError(f"{source_name(call_id)} is not in the source")
            if expected_bytes is not None and size != expected_bytes:
                raise StorageError(f"the source has {size} bytes of {expected_bytes}")
            _empty(store, growing)
            try:
                digest = _copy(source, source_name(call_id), store, f"{growing}/audio", size, stopping)
                _make_folder(store, str(company_id))
                store.move(f"{growing}/audio", final)
                _to_disk(store, str(company_id))
            finally:
                store.delete_dir(growing)
        return Stored(final, size, digest, fetched=True)

    def copy_out(self, company_id: UUID, call_id: UUID, target: Path, stopping: threading.Event) -> None:
        """Bring a stored recording into a local file. Raises StorageError, InterruptedFetchError."""
        name = stored_name(company_id, call_id)
        with _failures(), target.open("wb") as file:
            store = self._store.get()
            if _size(store, name) is None:
                raise StorageError(f"{name} is not in the store")
            for chunk in _chunks(store, name, stopping):
                file.write(chunk)

    def write_transcript(self, company_id: UUID, call_id: UUID, transcript: Mapping[str, Any]) -> str:
        """Put a transcript beside its recording; returns its name under the store. Raises StorageError."""
        final = transcript_name(company_id, call_id)
        growing = growing_transcript_folder(call_id)
        content = json.dumps(transcript, ensure_ascii=False, indent=1).encode()
        with _failures():
            store = self._store.get()
            _empty(store, growing)
            try:
                with store.open_output_stream(f"{growing}/text", compression=None) as file:
                    file.write(content)
                _to_disk(store, f"{growing}/text")
                store.move(f"{growing}/text", final)
                _to_disk(store, str(company_id))
            finally:
                store.delete_dir(growing)
        return final

    def delete(self, company_id: UUID, call_id: UUID) -> None:
        """Delete whatever there is of this call, in the store and in the source; nothing is fine too. Raises
        StorageError: something may be left."""
        with _failures():
            store = self._store.get()
            for name in (stored_name(company_id, call_id), transcript_name(company_id, call_id)):
                _delete(store, name)
            for folder in (growing_folder(call_id), growing_transcript_folder(call_id)):
                _delete_folder(store, folder)
        self.delete_from_source(call_id)

    def delete_from_source(self, call_id: UUID) -> None:
        """Delete what LiveKit wrote; nothing is fine too. Raises StorageError."""
        with _failures():
            _delete(self._source.get(), source_name(call_id))


def opener(url: str) -> Callable[[], FileSystem]:
    """Opens the place at a file://, s3:// or gs:// address; credentials come from the environment, as pyarrow reads
    them. A folder is made when it is missing."""

    parts = urlsplit(url)
    if parts.scheme == "gs":
        options = f"{parts.query}&" if parts.query else ""
        url = parts._replace(query=f"{options}retry_limit_seconds={BUCKET_GIVEN_UP_AFTER_S}").geturl()

    def open_place() -> FileSystem:
        from pyarrow.fs import FileSystem, LocalFileSystem, SubTreeFileSystem

        filesystem, path = FileSystem.from_uri(url)
        if isinstance(filesystem, LocalFileSystem):
            filesystem.create_dir(path, recursive=True)
        return SubTreeFileSystem(path, filesystem)

    return open_place


@contextmanager
def _failures() -> Iterator[None]:
    """What file systems raise becomes a StorageError; pyarrow's own also where it can't make sense of an address."""
    from pyarrow import ArrowException

    try:
        yield
    except (OSError, ArrowException) as error:
        raise StorageError(f"{type(error).__name__}: {error}", storage_failed=True) from error


class _Opened:
    """Opened when it is first asked for; a failure is not kept."""

    def __init__(self, opener: Callable[[], FileSystem]) -> None:
        self._opener = opener
        self._lock = threading.Lock()
        self._filesystem: FileSystem | None = None

    def get(self) -> FileSystem:
        with self._lock:
            if self._filesystem is None:
                self._filesystem = self._opener()
            return self._filesystem


def _size(filesystem: FileSystem, name: str) -> int | None:
    info = filesystem.get_file_info(name)
    return info.size if info.is_file else None


def _chunks(filesystem: FileSystem, name: str, stopping: threading.Event) -> Any:
    with filesystem.open_input_stream(name, compression=None) as file:
        while chunk := file.read(CHUNK):
            if stopping.is_set():
                raise InterruptedFetchError
            yield chunk


def _digest(filesystem: FileSystem, name: str, stopping: threading.Event) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(filesystem, name, stopping):
        digest.update(chunk)
    return digest.hexdigest()


def _copy(source: FileSystem, name: str, store: FileSystem, target: str, size: int, stopping: threading.Event) -> str:
    """Returns the SHA-256 of what was written, which is as long as it was to be."""
    digest = hashlib.sha256()
    with store.open_output_stream(target, compression=None) as file:
        for chunk in _chunks(source, name, stopping):
            file.write(chunk)
            digest.update(chunk)
    _to_disk(store, target)
    written = _size(store, target)
    if written != size:
        raise StorageError(f"{written} bytes of {size} have come")
    return digest.hexdigest()


def _empty(filesystem: FileSystem, folder: str) -> None:
    """Whatever an attempt that died has left goes; the folder is there."""
    _delete_folder(filesystem, folder)
    filesystem.create_dir(folder, recursive=True)


def _make_folder(filesystem: FileSystem, folder: str) -> None:
    filesystem.create_dir(folder, recursive=True)


def _delete(filesystem: FileSystem, name: str) -> None:
    if filesystem.get_file_info(name).is_file:
        filesystem.delete_file(name)


def _delete_folder(filesystem: FileSystem, folder: str) -> None:
    from pyarrow.fs import FileType

    if filesystem.get_file_info(folder).type == FileType.Directory:
        filesystem.delete_dir(folder)


def _to_disk(filesystem: FileSystem, name: str) -> None:
    """A local file, or folder, is on the disk before anybody relies on it: a name that outlives a power cut with
    nothing behind it would be no recording."""
    from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

    base = filesystem.base_fs if isinstance(filesystem, SubTreeFileSystem) else None
    if not isinstance(base, LocalFileSystem):
        return
    descriptor = os.open(Path(filesystem.base_path) / name, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
