"""A place where systemd would listen."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.listening import Listening


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Listening]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        path = tmp_path / "notify"
        receiver.bind(str(path))
        yield Listening(receiver, str(path))
