"""What systemd's end of the notification socket hears."""

from __future__ import annotations

import os
import socket

Message = dict[str, str]
"""One datagram: its names and values."""


class Listening:
    """A receiver at `address`; `heard` keeps everything in order."""

    def __init__(self, receiver: socket.socket, address: str) -> None:
        self._receiver = receiver
        self.address = address
        self._heard: list[Message] = []

    def environment(self, watchdog_s: float | None = None) -> dict[str, str]:
        """As systemd would give it to this process."""
        made = {"NOTIFY_SOCKET": self.address}
        if watchdog_s is not None:
            made |= {"WATCHDOG_USEC": str(round(watchdog_s * 1_000_000)), "WATCHDOG_PID": str(os.getpid())}
        return made

    def heard(self) -> list[Message]:
        """Everything so far."""
        while True:
            try:
                datagram = self._receiver.recv(1 << 16, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return self._heard
            self._heard.append(dict(line.split("=", 1) for line in datagram.decode().split("\n")))
