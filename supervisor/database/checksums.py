"""The migrations' checksums, so that nobody edits one unseen that some database has applied already.

`python -m supervisor.database.checksums` writes migrations/checksums.txt anew (after adding a migration: an applied
one is never edited, another is added); `sha256sum -c checksums.txt` checks it too.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from supervisor.shipped import shipped_folder


def checksums(folder: Path) -> str:
    """A line for each migration and rollback in `folder`, as sha256sum prints it."""
    files = sorted(folder.glob("*.sql"))
    return "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)


if __name__ == "__main__":
    migrations = shipped_folder("migrations")
    (migrations / "checksums.txt").write_text(checksums(migrations), encoding="utf-8")
