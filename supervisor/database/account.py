"""Which account PostgreSQL runs as: it refuses to be root, so root starts it as another, in folders open to that."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.errors import DatabaseError


@dataclass(frozen=True)
class Account:
    """The uid and gid that own a server's files and run it."""

    uid: int
    gid: int
    name: str
    borrowed: bool  # we are root, and this is someone else
    owns_folder: bool  # the server's folder itself is theirs, not only what PostgreSQL writes in it

    def spawn(self, command: Sequence[str | Path], output: int) -> subprocess.Popen[bytes]:
        """Start a program as this account, in a session of its own, and return at once. Raises OSError.

        It gets a clean environment (PGPORT and its like would change the server), and `/` as its current folder,
        since ours may be closed to the account. `output` is a descriptor, or one of subprocess's constants.
        """
        switch: dict[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.borrowed else {}
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            start_new_session=True,
            **switch,
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether this account may open what lies in `folder`: the kernel is asked. Raises DatabaseError."""
        return self._succeeds(["/bin/sh", "-c", 'test -x "$1"', "sh", str(folder)])

    def can_run(self, program: Path) -> bool:
        """Whether this account can execute `program` with all its libraries (`program --version` works)."""
        return self._succeeds([str(program), "--version"])

    def _succeeds(self, arguments: list[str]) -> bool:
        try:
            with self.spawn(arguments, subprocess.DEVNULL) as process:
                return process.wait() == 0
        except FileNotFoundError:
            return False
        except PermissionError:  # either the switch is refused or the program is out of reach: /bin/sh tells which
            if arguments[0] != "/bin/sh":
                return False
            raise self._no_switch() from None
        except OSError:
            raise self._no_switch() from None

    def _no_switch(self) -> DatabaseError:
        return DatabaseError(
            f"PostgreSQL cannot run as root, and this process may not become {self.name} (uid {self.uid}): "
            "run campaignd as an ordinary user, or set [database] dsn"
        )

    def give(self, path: Path) -> None:
        """Make this account the owner of a file or folder that we have just created."""
        if self.borrowed:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def make_folder(self, folder: Path) -> None:
        """Create `folder` and its missing parents so that this account gets in; existing folders are left as they are.

        Raises DatabaseError naming the first folder that is closed to the account.
        """
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            for path in reversed(missing):
                path.mkdir(mode=0o700)
                if self.borrowed and self.owns_folder:
                    self.give(path)
                elif self.borrowed:
                    path.chmod(0o711)
        except OSError as error:
            raise DatabaseError(f"cannot create {error.filename}: {error.strerror}") from error
        if self.can_enter(folder):
            return
        closed = next(path for path in (*reversed(folder.parents), folder) if not self.can_enter(path))
        raise DatabaseError(
            f"the embedded PostgreSQL runs as {self.name}, who may not enter {closed}: "
            "choose a state directory elsewhere, allow it (chmod o+x), or set [database] dsn"
        )


def account_for(folder: Path, data: Path) -> Account:
    """The account for a server in `folder` with its data in `data`, either of which may not exist yet.

    That is whoever runs this process; for root, the owner of what is there already (a service's state directory
    belongs to the service), or else nobody. Raises DatabaseError when the data is someone else's.
    """
    uid = os.geteuid()
    owner = data.stat().st_uid if data.exists() else None
    if uid != 0:
        if owner not in (None, uid):
            raise DatabaseError(f"{data} belongs to {_name(owner)}: run campaignd as that user")
        if owner is None and _name(uid).startswith("uid "):
            raise DatabaseError(f"initdb needs an account with a name, and uid {uid} has none: set [database] dsn")
        return Account(uid, os.getegid(), _name(uid), borrowed=False, owns_folder=True)
    nearest = next(path for path in (folder, *folder.parents) if path.exists()).stat()
    if owner is not None:
        return Account(owner, data.stat().st_gid, _name(owner), borrowed=True, owns_folder=nearest.st_uid == owner)
    if nearest.st_uid != 0:
        try:
            entry = pwd.getpwuid(nearest.st_uid)
            return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, borrowed=True, owns_folder=True)
        except KeyError:  # initdb insists on a name
            pass
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise DatabaseError(
            "PostgreSQL can't run as root, and there is no account nobody: set [database] dsn"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, borrowed=True, owns_folder=False)


@contextmanager
def temporary_folder(prefix: str = "campaignd-") -> Iterator[Path]:
    """A short temporary folder in which an embedded server can live, whoever runs it; removed afterwards."""
    parent = "/tmp" if os.access("/tmp", os.W_OK) else None  # TMPDIR may be long, or closed to other accounts
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        if os.geteuid() == 0:
            folder.chmod(0o711)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
