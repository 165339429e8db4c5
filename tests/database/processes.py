"""Other processes that a test starts or looks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any


def python(script: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """A Python process that runs `script`, whose last line of output is read by the test."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **pipes, **options)


def end(process: subprocess.Popen[str]) -> None:
    """Kill a process that python() started, if it lives, and close its pipes."""
    process.kill()
    process.communicate()


def naming(folder: Path) -> list[str]:
    """The command lines of all live processes that mention `folder`, but for Python's (the test and its scripts)."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line and "python" not in line.split(" ")[0]:
            lines.append(line)
    return lines
