"""Whisper, through faster-whisper (`pip install campaignd[whisper]`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from actors.recording.transcription import Segment

_DEFAULT = "small"


class Whisper:
    """A Transcriber (the contract is `actors.recording.transcription.Transcriber`). The model is a folder, or a name
    that faster-whisper knows and downloads once. Raises ImportError where the extra is not installed."""

    def __init__(self, model: str) -> None:
        from faster_whisper import WhisperModel  # an extra, and slow to import

        self._model: Any = WhisperModel(model or _DEFAULT, device="auto", compute_type="default")

    def transcribe(self, audio: Path) -> list[Segment]:
        segments, _ = self._model.transcribe(str(audio), vad_filter=True)
        return [Segment(segment.start, segment.end, segment.text.strip()) for segment in segments]
