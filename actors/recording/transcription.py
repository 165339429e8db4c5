"""From a recording to its text: what a transcriber is, and the process it runs in."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from actors.recording.storage import Storage, StorageError

WHISPER = "actors.recording.whisper:Whisper"


@dataclass(frozen=True)
class Segment:
    """A stretch of speech; times in seconds from the beginning."""

    start_s: float
    end_s: float
    text: str


class Transcriber(Protocol):
    """Turns audio into text. Made once in a process of its own, with the model's path or name; may take all the time
    and memory it needs there."""

    def transcribe(self, audio: Path) -> Sequence[Segment]:
        """What is said in the file. Whatever it raises is the reason why there is no transcript."""
        ...


class TranscriptionError(Exception):
    """There is no transcript, and why."""


class Transcription:
    """Has transcripts made, one at a time, by a process of low priority that keeps its model loaded. That process ends
    with this one, however this one ends: it reads its orders from a pipe. For one worker's thread at a time."""

    def __init__(self, storage: Storage, transcriber: str, model: str, time_limit_s: float = 3600) -> None:
        """`transcriber` is `module:Class`, a Transcriber whose constructor takes the model; `time_limit_s` for one
        recording, in real seconds."""
        self._storage = storage
        self._time_limit_s = time_limit_s
        self._arguments = (transcriber, model)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def make(self, company_id: UUID, call_id: UUID, stopping: threading.Event) -> str:
        """Write the transcript of a stored recording beside it; returns its name under the store. Raises
        TranscriptionError, InterruptedFetchError, StorageError; that also when there is no room for a copy here."""
        try:
            with self._lock, tempfile.TemporaryDirectory(prefix="campaignd-transcript-") as folder:
                audio = Path(folder) / f"{call_id}.ogg"
                self._storage.copy_out(company_id, call_id, audio, stopping)
                segments = self._ask(audio)
        except OSError as error:
            raise StorageError(f"no room for a copy of the recording: {error}", storage_failed=True) from error
        transcript = {
            "call_id": str(call_id),
            "text": " ".join(segment.text for segment in segments),
            "segments": [asdict(segment) for segment in segments],
        }
        return self._storage.write_transcript(company_id, call_id, transcript)

    def stop(self) -> None:
        """End the process; what it is at is given up. From any thread."""
        if (process := self._process) is not None:
            process.kill()
        with self._lock:
            self._discard()

    def _ask(self, audio: Path) -> list[Segment]:
        if self._process is None:
            self._process = self._start()
        process = self._process
        assert process.stdin is not None and process.stdout is not None  # both are pipes
        hung = threading.Timer(self._time_limit_s, process.kill)
        hung.daemon = True
        hung.start()
        try:
            process.stdin.write(json.dumps(str(audio)) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (OSError, UnicodeDecodeError):  # it died, perhaps in the middle of a letter
            line = ""
        finally:
            hung.cancel()
        if not line.endswith("\n"):
            raise TranscriptionError(f"the transcriber's process ended with code {self._discard()}")
        answer = json.loads(line)
        if "error" in answer:
            raise TranscriptionError(answer["error"])
        return [Segment(**segment) for segment in answer["segments"]]

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "actors.recording.transcriber_process", *self._arguments]
        try:
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        except OSError as error:
            raise TranscriptionError(f"no process for the transcriber: {error}") from error

    def _discard(self) -> int | None:
        """The process is, or is to be, dead: the next recording gets another. Its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        code = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what it was never sent
                    pipe.close()
        return code
