"""What systemd is told about the process, by sd_notify's protocol: lines of `NAME=value` in a datagram.

Without `NOTIFY_SOCKET`, as on a terminal, nothing is sent.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from time import CLOCK_MONOTONIC, clock_gettime_ns

_PATIENCE_S = 5.0


class ServiceManager:
    """Who started the process and wants to hear from it. Sending never fails, and blocks for seconds at most, while
    there is too much else to read. For every thread, and for signal handlers."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self.watchdog_s = _watchdog_s(environment)
        """So often at least it wants to hear that the process is `alive`; None: it does not ask."""

    def ready(self, status: str) -> None:
        """The start, or a reload, is over."""
        self._send("READY=1", f"STATUS={_line(status)}")

    def reloading(self) -> None:
        """A reload has begun; `ready` ends it. `systemctl reload` waits only if this comes at once after the signal."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={clock_gettime_ns(CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The process is about to end."""
        self._send("STOPPING=1")

    def alive(self, status: str) -> None:
        """Feed the watchdog, and say in a line what the service is doing."""
        self._send("WATCHDOG=1", f"STATUS={_line(status)}")

    def extend(self, seconds: float, status: str) -> None:
        """Starting, reloading or stopping may take so much longer from now on, and the watchdog waits as long."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1_000_000)}", f"STATUS={_line(status)}")

    def _send(self, *lines: str) -> None:
        if self._address is None:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(_PATIENCE_S)
            sender.sendto("\n".join(lines).encode(), self._address)


def _address(name: str) -> str | None:
    """A path, or with `@` in place of its leading zero byte a name in the abstract namespace."""
    if name.startswith("@"):
        return f"\0{name[1:]}"
    return name if name.startswith("/") else None


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    microseconds = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None  # it is meant for a process that started us
    return int(microseconds) / 1_000_000 if microseconds.isdecimal() and int(microseconds) else None


def _line(text: str) -> str:
    return " ".join(text.split())
