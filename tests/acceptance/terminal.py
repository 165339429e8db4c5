"""A terminal, as a user has `campaignd` in it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
from contextlib import suppress
from typing import Any

from tests.acceptance.running import Running
from tests.waiting import wait_until

SOON_S = 30


class Terminal:
    """A terminal with a command in it, whose own it is, as a shell makes it: its Ctrl-C is a signal."""

    def __init__(self, *arguments: object, **options: Any) -> None:
        self._leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
        options |= dict.fromkeys(("stdin", "stdout", "stderr"), follower)
        options["env"] = options.get("env", os.environ) | {"TERM": "xterm-256color"}
        self.command = Running(*arguments, preexec_fn=lambda: fcntl.ioctl(follower, termios.TIOCSCTTY, 0), **options)
        os.close(follower)
        os.set_blocking(self._leader, False)
        self._shown = b""

    def shown(self) -> str:
        """All that was written to it so far."""
        with suppress(OSError):
            while more := os.read(self._leader, 1 << 16):
                self._shown += more
        return self._shown.decode(errors="replace")

    def wait_for(self, text: str) -> None:
        """Until it is shown, anew."""
        seen = len(self.shown())
        wait_until(lambda: text in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.shown()[seen:]), SOON_S, text)

    def press(self, keys: bytes) -> None:
        os.write(self._leader, keys)

    def end(self, within_s: float) -> int:
        """The command's exit code, once it has ended. It is read meanwhile: nobody writes to a full terminal."""
        wait_until(self._ended, within_s, "the command to end")
        return self.command.end()

    def _ended(self) -> bool:
        self.shown()
        return self.command.ended

    def close(self) -> None:
        self.command.close()
        os.close(self._leader)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
