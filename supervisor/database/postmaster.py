"""What postmaster.pid says of a server, and whether it is true."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo

_PROC = Path("/proc")
SUPERUSER = "postgres"
"""Of every embedded server's cluster."""


@dataclass(frozen=True)
class Postmaster:
    """A running server as its postmaster.pid describes it."""

    pid: int
    port: int
    socket_folder: str
    status: str  # starting, ready, stopping or standby; empty while it is just beginning

    @property
    def dsn(self) -> str:
        return make_conninfo(host=self.socket_folder, port=self.port, user=SUPERUSER, dbname="postgres")


def running_postmaster(data: Path) -> Postmaster | None:
    """The server that works on `data` now; None when there is none, whatever a killed one left in postmaster.pid."""
    try:
        lines = [line.strip() for line in os.fsdecode((data / "postmaster.pid").read_bytes()).split("\n")]
        pid, port = int(lines[0]), int(lines[3])
    except (FileNotFoundError, NotADirectoryError, IndexError, ValueError):
        return None
    if not is_postgres(pid, data):
        return None
    lines += [""] * 8
    return Postmaster(pid, port, socket_folder=lines[4], status=lines[7])


def is_postgres(pid: int, data: Path) -> bool:
    """Whether `pid` is a live PostgreSQL process of `data`, and not an unrelated one that was given its number."""
    if not (_PROC / "self").exists():  # no Linux: all there is to ask
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True
    try:
        # A zombie has no working directory, and that of every PostgreSQL process is its data directory.
        here = (_PROC / str(pid) / "cwd").stat()
        return os.path.samestat(here, data.stat()) and (_PROC / str(pid) / "comm").read_text().strip() == "postgres"
    except OSError:
        return False


def surviving_backends(data: Path) -> list[int]:
    """Processes of a server on `data`: those of a killed postmaster live on until they notice, or end their query."""
    return [int(entry.name) for entry in _PROC.glob("[0-9]*") if is_postgres(int(entry.name), data)]


def forget_killed_postmaster(data: Path) -> None:
    """Remove what a killed server left in postmaster.pid, once neither it nor its backends live.

    PostgreSQL would not start if that number were another process's by now, as it often is after a container's restart.
    """
    if (_PROC / "self").exists():  # elsewhere we know less than PostgreSQL does
        (data / "postmaster.pid").unlink(missing_ok=True)
