"""What an embedded server's folder holds: `data` (the database cluster), `socket`, `postgres.log`."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from actors.errors import DatabaseError
from supervisor.database.account import Account
from supervisor.database.interrupts import interrupts_held
from supervisor.database.postmaster import SUPERUSER

_SOCKET_PATH_LIMIT = 107  # bytes, of the kernel
_LOG_LIMIT = 10_000_000
_INITDB_TIMEOUT_S = 120.0


class ServerFolder:
    """The files of one server. What it creates belongs to the server's account; what it finds is never given away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path / "data"
        self.log = path / "postgres.log"
        # For paths too long for a socket. The same name each time, so that a killed server leaves at most one.
        self._short = Path("/tmp") / f"campaignd-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"

    def create_cluster(self, account: Account, binaries: Path, *, durable: bool) -> None:
        """Make `data`, whole or not at all. Blocks for about half a second. Raises DatabaseError."""
        for abandoned in self.path.glob("data.new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        # Not one fixed name: initdb may outlive its killed owner for a moment, and would go on writing there.
        new = Path(tempfile.mkdtemp(prefix="data.new-", dir=self.path))
        command: list[str | Path] = [binaries / "initdb", "-D", new, "-U", SUPERUSER, "-A", "trust"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        command += [] if durable else ["--no-sync"]
        process: subprocess.Popen[bytes] | None = None
        try:
            account.give(new)
            with interrupts_held():
                process = account.spawn(command, subprocess.PIPE)
            said, _ = process.communicate(timeout=_INITDB_TIMEOUT_S)
            if process.returncode != 0:
                raise DatabaseError(f"initdb failed in {self.path}: {_last_lines(said)}")
            new.rename(self.data)
            self._sync()
        except BaseException:
            if process is not None and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
            shutil.rmtree(new, ignore_errors=True)
            raise

    def _sync(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def socket_folder(self, account: Account) -> Path:
        """A folder for the socket that only the account can enter: here, or a short one. Raises DatabaseError."""
        folder = self.path / "socket"
        # A comma separates folders, both in the server's setting and in a DSN.
        if len(os.fsencode(folder / ".s.PGSQL.5432.lock")) > _SOCKET_PATH_LIMIT or "," in str(folder):
            folder = self._short
        try:
            folder.mkdir(mode=0o700)
            account.give(folder)
        except FileExistsError:
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
                raise DatabaseError(f"{folder} is not a private folder of {account.name}: remove it") from None
        return folder

    def remove_short_socket_folder(self) -> None:
        """Leave nothing outside this folder, once the server has ended."""
        with suppress(OSError):
            self._short.rmdir()

    def open_log(self, account: Account) -> int:
        """A descriptor that appends to the log, which is begun anew when it has grown large. Raises OSError."""
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        found = os.fstat(log)
        if account.borrowed and account.owns_folder and stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
            os.fchown(log, account.uid, account.gid)  # the account itself may start the server next time
        if found.st_size > _LOG_LIMIT:
            os.ftruncate(log, 0)
        return log

    def log_tail(self) -> str:
        """The log's last lines, in one."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 4000))
                return _last_lines(log.read())
        except OSError:
            return "nothing"


def _last_lines(said: bytes) -> str:
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-4:]) or "nothing"
