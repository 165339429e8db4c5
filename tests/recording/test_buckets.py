"""Recordings in buckets: what holds in a folder holds in Amazon's S3 and Google's Cloud Storage, over HTTP."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen
from uuid import UUID, uuid4

import pytest
from pyarrow.fs import FileSelector, FileSystem, FileType, GcsFileSystem, S3FileSystem

from actors.recording.places import source_name, stored_name, transcript_name
from actors.recording.storage import BUCKET_GIVEN_UP_AFTER_S, InterruptedFetchError, Storage, StorageError, opener
from tests.machine import lack
from tests.ports import free_port
from tests.waiting import wait_until

AUDIO = b"a recording " * 100_000
AMAZON_GIVES_UP_WITHIN_S = 30


class Bucket:
    """A server with a bucket, which LiveKit writes below `out` and the service below `calls`."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, admin: FileSystem) -> None:
        self._process = process
        self._address, self._admin = address, admin

    def storage(self) -> Storage:
        """The service's."""
        return Storage(opener(self._address.format("out")), opener(self._address.format("calls")))

    def write(self, call: UUID, content: bytes) -> None:
        """As LiveKit does."""
        with self._admin.open_output_stream(f"bucket/out/{source_name(call)}") as file:
            file.write(content)

    def files(self) -> set[str]:
        found = self._admin.get_file_info(FileSelector("bucket", recursive=True))
        return {info.path.removeprefix("bucket/") for info in found if info.type == FileType.File and info.size}

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def _served(port: int, *command: object) -> Iterator[subprocess.Popen[bytes]]:
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    python = Path(sys.prefix, "buckets/bin/python")
    if not python.exists():
        lack(f"{python} is not here: make .venv/.installed-buckets")
    process = subprocess.Popen([python, "-m", *map(str, command)], **quiet)
    try:
        wait_until(lambda: _listens(port), what="the bucket's server to listen")
        yield process
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
    except URLError as error:
        return not isinstance(error.reason, ConnectionError)
    return True


@contextmanager
def _amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name, value in {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    port = free_port()
    with _served(port, "moto.server", "--port", port) as process:
        endpoint = f"127.0.0.1:{port}"
        admin = S3FileSystem(endpoint_override=endpoint, scheme="http", region="eu-west-1", allow_bucket_creation=True)
        admin.create_dir("bucket")
        yield Bucket(process, f"s3://bucket/{{}}?endpoint_override={endpoint}&scheme=http", admin)


@contextmanager
def _google(_: pytest.MonkeyPatch) -> Iterator[Bucket]:
    port = free_port()
    server = "gcp_storage_emulator", "start", "--in-memory", "--default-bucket", "bucket", "--port", port
    with _served(port, *server) as process:
        endpoint, once = f"127.0.0.1:{port}", timedelta(seconds=10)
        admin = GcsFileSystem(anonymous=True, endpoint_override=endpoint, scheme="http", retry_time_limit=once)
        yield Bucket(process, f"gs://anonymous@bucket/{{}}?endpoint_override={endpoint}&scheme=http", admin)


@pytest.fixture(params=[_amazon, _google])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with request.param(monkeypatch) as bucket:
        yield bucket


def test_a_recording_and_its_transcript_come_into_a_bucket_and_go_from_it(bucket: Bucket, tmp_path: Path) -> None:
    storage, going_on = bucket.storage(), threading.Event()
    company, call, other = uuid4(), uuid4(), uuid4()
    for each in (call, other):
        bucket.write(each, AUDIO)
    stored = storage.fetch(company, call, len(AUDIO), going_on)
    assert (stored.file, stored.bytes, stored.fetched) == (stored_name(company, call), len(AUDIO), True)
    assert stored.sha256 == hashlib.sha256(AUDIO).hexdigest()
    assert not storage.fetch(company, call, len(AUDIO), going_on).fetched  # it is there
    storage.write_transcript(company, call, {"text": "hello"})
    storage.copy_out(company, call, tmp_path / "audio", going_on)
    assert (tmp_path / "audio").read_bytes() == AUDIO
    kept = {f"calls/{stored_name(company, call)}", f"calls/{transcript_name(company, call)}"}
    assert bucket.files() == kept | {f"out/{source_name(call)}", f"out/{source_name(other)}"}
    storage.delete_from_source(other)
    storage.delete(company, call)
    assert not bucket.files()
    storage.delete(company, call)  # nothing is fine, too


def test_what_is_not_whole_never_appears_in_a_bucket(bucket: Bucket) -> None:
    storage, stopping = bucket.storage(), threading.Event()
    company, call = uuid4(), uuid4()
    with pytest.raises(StorageError, match="is not in the source") as missing:
        storage.fetch(company, call, None, stopping)
    bucket.write(call, AUDIO)
    with pytest.raises(StorageError, match="bytes of") as short:
        storage.fetch(company, call, len(AUDIO) + 1, stopping)
    assert not missing.value.storage_failed
    assert not short.value.storage_failed
    stopping.set()
    with pytest.raises(InterruptedFetchError):
        storage.fetch(company, call, len(AUDIO), stopping)
    assert bucket.files() == {f"out/{source_name(call)}"}


def test_a_bucket_that_is_away_fails_soon_and_is_blamed(bucket: Bucket) -> None:
    """Its breaker is to notice, and a slot to be free again, however patient a client was made."""
    storage, going_on = bucket.storage(), threading.Event()
    bucket.kill()
    began = monotonic()
    with pytest.raises(StorageError) as away:
        storage.fetch(uuid4(), uuid4(), None, going_on)
    assert away.value.storage_failed
    assert monotonic() - began < AMAZON_GIVES_UP_WITHIN_S + BUCKET_GIVEN_UP_AFTER_S
