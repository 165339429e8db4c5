"""The process in which a transcriber works: `python -m actors.recording.transcriber_process MODULE:CLASS MODEL`.

A line of JSON with a file's path comes in, a line with its segments, or the reason why there are none, goes out. It
ends with its input.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from actors.actor import describe
from actors.foreign_text import keepable
from actors.recording.transcription import Transcriber

_NICENESS = 15
_KILLED_FIRST = "1000"


def main(name: str, model: str) -> None:
    """Answer until nobody asks any more."""
    os.nice(_NICENESS)
    # Where memory runs out Linux ends this process, and no other of the service.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_KILLED_FIRST)
    # What a library prints would stand among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    transcriber: Transcriber | None = None
    for line in sys.stdin:
        try:
            if transcriber is None:
                transcriber = _make(name, model)
            answer: Mapping[str, Any] = {
                "segments": [asdict(segment) for segment in transcriber.transcribe(Path(json.loads(line)))]
            }
        except Exception as error:  # noqa: BLE001 - whatever a recogniser raises is the reason for this one recording
            answer = {"error": keepable(describe(error))}
        answers.write(json.dumps(answer, ensure_ascii=False) + "\n")
        answers.flush()


def _make(name: str, model: str) -> Transcriber:
    module, _, kind = name.partition(":")
    made: Transcriber = getattr(importlib.import_module(module), kind)(model)
    return made


if __name__ == "__main__":
    main(*sys.argv[1:])
