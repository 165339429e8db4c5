"""Ports for services that come and go."""

from __future__ import annotations

import itertools
import os
import socket
from contextlib import suppress

_numbers = itertools.count()


def free_port() -> int:
    """One that no outgoing connection gets by chance while its service is dead: below the range of those."""
    while True:
        port = 10_000 + (os.getpid() * 100 + next(_numbers)) % 20_000
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
