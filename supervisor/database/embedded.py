"""The embedded PostgreSQL: a server of our own in a folder of our own, for those who give no DSN."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from actors.errors import DatabaseError
from supervisor.database.account import Account, account_for
from supervisor.database.binaries import find_binaries
from supervisor.database.interrupts import interrupts_held
from supervisor.database.postmaster import (
    Postmaster,
    forget_killed_postmaster,
    is_postgres,
    running_postmaster,
    surviving_backends,
)
from supervisor.database.server_folder import ServerFolder

_START_TIMEOUT_S = 120.0  # recovery after a kill replays what was written since the last checkpoint
# Fast shutdown first; if that hangs, as in a crash; the last has never been needed.
_STOP_SIGNALS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))


class EmbeddedPostgres:
    """A PostgreSQL server in `directory`, reachable only through a socket that only its account and root can open.

    One process owns a directory at a time; a second one's start() is refused. Whatever was killed, owner or server,
    the next start() goes on with every committed row; a server that outlived its owner is taken over. Not for use by
    several threads. `settings` are PostgreSQL's own and hold for a server started here, not for one taken over.
    """

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        self._folder = ServerFolder(directory.absolute())
        self._settings = dict(settings or {})
        self._lock: int | None = None  # a descriptor of the directory; the kernel lets go of it when we are killed
        self._child: subprocess.Popen[bytes] | None = None
        self._server: Postmaster | None = None

    @property
    def dsn(self) -> str:
        """The conninfo string of the started server; raises DatabaseError when it is not started."""
        return self._started().dsn

    @property
    def pid(self) -> int:
        """The postmaster's process id; raises DatabaseError when it is not started."""
        return self._started().pid

    def is_up(self) -> bool:
        """Whether the started server lives; raises DatabaseError when it is not started."""
        return is_postgres(self.pid, self._folder.data)

    def start(self) -> str:
        """Start the server, creating its database cluster the first time, and return its DSN.

        Called again it does nothing, or starts a server that has died meanwhile once more, under the same DSN. Blocks:
        about half a second the first time, some 30 ms later, longer after a crash; gives up after two minutes.
        Raises DatabaseError. After an exception, Ctrl-C included, no process is left behind.
        """
        if self._server is not None:
            if self.is_up():
                return self._server.dsn
            if self._child is not None:
                self._child.wait()
            self._server = self._child = None
        try:
            self._server = self._start()
        except OSError as error:
            self.stop()
            raise DatabaseError(f"cannot start the embedded PostgreSQL in {self._folder.path}: {error}") from error
        except BaseException:
            self.stop()
            raise
        return self._server.dsn

    def stop(self) -> None:
        """End the server, its sessions included, and let go of the directory. Blocks; may be called repeatedly.

        Raises DatabaseError when the server does not end.
        """
        if self._lock is None:
            return
        try:
            self._stop_server()
        finally:
            os.close(self._lock)
            self._lock = self._server = self._child = None

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _start(self) -> Postmaster:
        data = self._folder.data
        account = account_for(self._folder.path, data)
        account.make_folder(self._folder.path)
        if self._lock is None:
            self._own_directory()
        server = running_postmaster(data)
        if server is not None and server.status == "stopping":
            self._wait(lambda: running_postmaster(data) is None, "an earlier server does not end")
            server = None
        if server is None:
            # PostgreSQL refuses to start beside them, since they still use its memory.
            self._wait(lambda: not surviving_backends(data), "sessions of a killed server do not end")
            self._launch(account)
        self._wait(self._is_ready, "the server is not ready in time")
        ready = running_postmaster(data)
        if ready is None:
            raise self._failure("the server ended as soon as it was ready")
        return ready

    def _own_directory(self) -> None:
        descriptor = os.open(self._folder.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise DatabaseError(
                f"another campaignd is using the embedded PostgreSQL in {self._folder.path}: stop it first, "
                "or give this one a state directory of its own"
            ) from None
        self._lock = descriptor

    def _launch(self, account: Account) -> None:
        folder = self._folder
        binaries = find_binaries(account, folder.path)
        if folder.data.exists():
            forget_killed_postmaster(folder.data)
        else:
            folder.create_cluster(account, binaries, durable=self._settings.get("fsync") != "off")
        settings = {
            "listen_addresses": "",
            "port": "5432",  # only part of the socket's name
            "unix_socket_directories": str(folder.socket_folder(account)),
            "unix_socket_permissions": "0700",
            "log_checkpoints": "off",
            **self._settings,
        }
        log = folder.open_log(account)
        try:
            command: list[str | Path] = [binaries / "postgres", "-D", folder.data]
            command += [f"--{name}={value}" for name, value in settings.items()]
            with interrupts_held():
                self._child = account.spawn(command, log)
        finally:
            os.close(log)

    def _is_ready(self) -> bool:
        if self._child is not None and self._child.poll() is not None:
            raise self._failure(f"the server ended with status {self._child.returncode}")
        server = running_postmaster(self._folder.data)
        if server is None and self._child is None:
            raise self._failure("the server that was to be taken over ended")
        return server is not None and server.status == "ready"

    def _stop_server(self) -> None:
        server = running_postmaster(self._folder.data)
        pid = self._child.pid if self._child is not None else server.pid if server is not None else None
        if pid is not None and not any(self._ends_after(number, pid, limit_s) for number, limit_s in _STOP_SIGNALS):
            raise self._failure(f"the server (process {pid}) does not end")
        self._folder.remove_short_socket_folder()

    def _ends_after(self, number: signal.Signals, pid: int, limit_s: float) -> bool:
        if not self._is_alive(pid):
            return True
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        return _becomes_true(lambda: not self._is_alive(pid), limit_s)

    def _is_alive(self, pid: int) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return is_postgres(pid, self._folder.data)

    def _started(self) -> Postmaster:
        if self._server is None:
            raise DatabaseError(f"the embedded PostgreSQL in {self._folder.path} is not started")
        return self._server

    def _wait(self, condition: Callable[[], bool], otherwise: str) -> None:
        if not _becomes_true(condition, _START_TIMEOUT_S):
            raise self._failure(otherwise)

    def _failure(self, what: str) -> DatabaseError:
        return DatabaseError(
            f"embedded PostgreSQL in {self._folder.path}: {what}; its log ends with: {self._folder.log_tail()}"
        )


def running_server(directory: Path) -> str | None:
    """The DSN of the server that some process runs in `directory`, to be used beside it; None when none is ready.

    Starts nothing and changes nothing. Raises DatabaseError when the directory is closed to us.
    """
    try:
        server = running_postmaster(directory.absolute() / "data")
    except PermissionError as error:
        raise DatabaseError(f"cannot read {error.filename}: run this as the user of the service, or as root") from error
    return server.dsn if server is not None and server.status == "ready" else None


def _becomes_true(condition: Callable[[], bool], limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
