"""`campaignd` as a user runs it: another process, with real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

TRACEBACK = "Traceback (most recent call last)"


class Running:
    """`campaignd ARGUMENTS`, started at once, at the head of a session of its own, as from a terminal."""

    def __init__(
        self, *arguments: object, command: Sequence[str] = (sys.executable, "-m", "supervisor"), **options: Any
    ) -> None:
        self._out, self._err = os.memfd_create("out"), os.memfd_create("err")  # no pipes: nobody reads meanwhile
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": self._out, "stderr": self._err} | options
        self._process = subprocess.Popen([*command, *map(str, arguments)], start_new_session=True, **streams)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def out(self) -> str:
        """What it has printed so far."""
        return _text(self._out)

    @property
    def err(self) -> str:
        """What it has printed to standard error so far."""
        return _text(self._err)

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def signal_group(self, number: signal.Signals) -> None:
        """To it and all of its process group, as a terminal does for Ctrl-C."""
        os.killpg(self.pid, number)

    def end(self, within_s: float = 30) -> int:
        """Its exit code, once it has ended."""
        wait_until(lambda: self.ended, within_s, f"{self._process.args} to end")
        return self._process.returncode

    def close(self) -> None:
        """End it, in order if it can: its PostgreSQL, in a session of its own, would outlive a kill."""
        if not self.ended:
            for _ in range(2):
                self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        for pid in self.session():
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._out)
        os.close(self._err)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def session(self) -> list[int]:
        """Living processes of its session."""
        return [pid for pid, status in _processes() if status[0] != "Z" and int(status[3]) == self.pid]

    def server_folder(self) -> Path:
        """The folder of the PostgreSQL that it starts, known as soon as that begins to be made."""
        return wait_until(self._find_server_folder, 20, "it to start its PostgreSQL")

    def _find_server_folder(self) -> Path | None:
        ours = self.session()
        words = (word for pid, status in _processes() if int(status[1]) in ours for word in _command_line(pid))
        return next((Path(word).parent for word in words if "/postgresql/data" in word), None)


def of_folder(folder: Path) -> list[str]:
    """The command lines of all living processes, PostgreSQL's among them, that name `folder`."""
    lines = [" ".join(_command_line(pid)) for pid, _ in _processes() if pid != os.getpid()]
    return [line for line in lines if str(folder) in line]


def _processes() -> list[tuple[int, list[str]]]:
    """Every process with what /proc/PID/stat says after its name: state, parent, group, session, …"""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found.append((int(entry.name), (entry / "stat").read_text().rpartition(")")[2].split()))
        except OSError:
            continue
    return found


def _command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def _text(file: int) -> str:
    return os.pread(file, 1 << 24, 0).decode()
