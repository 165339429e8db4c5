"""Speech made here, and a recogniser that understands it: espeak-ng says it, pocketsphinx hears it."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import espeakng_loader
from pocketsphinx import Decoder

from actors.recording.transcription import Segment

_RETRIEVAL, _UTF8 = 1, 1
_RATE = 16_000
_FRAMES_PER_SECOND = 100


def say(text: str, file: Path) -> float:
    """Write an Ogg Opus file in which a voice says `text`; how many seconds it takes."""
    samples, rate = _synthesise(text)
    with av.open(str(file), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        resampler = av.AudioResampler("s16", "mono", 48_000)
        frame = _frame(samples, rate)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return len(samples) / 2 / rate


class Sphinx:
    """A Transcriber. Its model came with it; `model` is a list of the phrases that it may hear, as JSON."""

    def __init__(self, model: str) -> None:
        phrases = " | ".join(json.loads(model))
        self._decoder = Decoder(samprate=_RATE, loglevel="FATAL", lm=None)
        self._decoder.add_jsgf_string("phrases", f"#JSGF V1.0; grammar phrases; public <phrase> = ({phrases})+;")
        self._decoder.activate_search("phrases")

    def transcribe(self, audio: Path) -> Sequence[Segment]:
        self._decoder.start_utt()
        self._decoder.process_raw(_decode(audio), full_utt=True)
        self._decoder.end_utt()
        words = [segment for segment in self._decoder.seg() if not segment.word.startswith(("<", "["))]
        return [
            Segment(word.start_frame / _FRAMES_PER_SECOND, word.end_frame / _FRAMES_PER_SECOND, word.word.split("(")[0])
            for word in words
        ]


class Mute:
    """A Transcriber that hears nothing: it says so, or raises, or dies, as one does that is out of memory."""

    def __init__(self, model: str) -> None:
        self._model = model

    def transcribe(self, audio: Path) -> Sequence[Segment]:
        if self._model == "silence":
            return []
        if self._model == "raises":
            raise ValueError("it is all noise: \0\ud83d")
        ctypes.string_at(0)
        raise AssertionError("it lives")


class Mortal:
    """A Transcriber that says how soon the kernel ends it when memory runs out."""

    def __init__(self, model: str) -> None:
        pass

    def transcribe(self, audio: Path) -> Sequence[Segment]:
        return [Segment(0, 1, Path("/proc/self/oom_score_adj").read_text().strip())]


def _decode(audio: Path) -> bytes:
    resampler = av.AudioResampler("s16", "mono", _RATE)
    with av.open(str(audio)) as container:
        parts = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    parts += resampler.resample(None)
    return b"".join(bytes(part.planes[0])[: part.samples * 2] for part in parts)


def _frame(samples: bytes, rate: int) -> Any:
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // 2)
    frame.planes[0].update(samples + bytes(frame.planes[0].buffer_size - len(samples)))
    frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
    frame.pts = 0
    return frame


def _synthesise(text: str) -> tuple[bytes, int]:
    """Samples, 16 bits and mono, and their rate."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    path = str(Path(espeakng_loader.get_data_path()).parent).encode()
    rate: int = library.espeak_Initialize(_RETRIEVAL, 0, path, 0)
    assert rate > 0, "espeak-ng finds no data"
    said = bytearray()

    def take(samples: Any, count: int, _: Any) -> int:
        if samples and count:
            said.extend(ctypes.string_at(samples, count * 2))
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)(take)
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetVoiceByName(b"en-us")
    library.espeak_SetParameter(1, 140, 0)  # words a minute
    content = text.encode()
    library.espeak_Synth(content, ctypes.c_size_t(len(content) + 1), 0, 1, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    library.espeak_Terminate()
    return bytes(said), rate
