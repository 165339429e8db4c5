"""Threads that wait for storage, so that the actor does not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from uuid import UUID

from actors.actor import describe
from actors.addresses import RECORDING, Directory
from actors.recording.messages import WorkerFailed

Work = Callable[[threading.Event], object]
"""Something that waits. Is handed an event that is set when the process is about to stop; returns the message for the
actor."""


class Kind(StrEnum):
    """What workers do."""

    DOWNLOAD = "download"
    TRANSCRIPT = "transcript"
    SOURCE_DELETION = "source_deletion"
    DELETION = "deletion"


class Workers:
    """One small thread for each piece of work. They outlive the actor, which is told the result by message, whoever
    lives at its address by then: a new one asks here what is still under way. Safe from every thread."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._under_way: dict[tuple[Kind, UUID], threading.Thread] = {}
        self._stopping = threading.Event()

    def begin(self, kind: Kind, work_id: UUID, work: Work) -> bool:
        """Begin `work`, unless the same is under way, or no thread is to be had: then False."""
        key = (kind, work_id)
        thread = threading.Thread(target=self._run, args=(key, work), name=f"{kind}-{work_id}", daemon=True)
        with self._lock:
            if key in self._under_way or self._stopping.is_set():
                return False
            self._under_way[key] = thread
            try:
                thread.start()
            except RuntimeError:
                del self._under_way[key]
                return False
        return True

    def under_way(self, kind: Kind) -> frozenset[UUID]:
        """What of this kind has begun and not ended."""
        with self._lock:
            return frozenset(work_id for its_kind, work_id in self._under_way if its_kind is kind)

    def stop(self, timeout_s: float) -> bool:
        """Have everything that is under way break off, and wait for it, at most so long; whether all has ended."""
        self._stopping.set()
        with self._lock:
            threads = list(self._under_way.values())
        for thread in threads:
            thread.join(timeout_s / len(threads))
        return not any(thread.is_alive() for thread in threads)

    def _run(self, key: tuple[Kind, UUID], work: Work) -> None:
        message: object
        try:
            message = work(self._stopping)
        except Exception as error:  # noqa: BLE001 - a bug here is the actor's death, never its silence
            message = WorkerFailed(describe(error))
        with self._lock:
            del self._under_way[key]
        self._directory.tell(RECORDING, message)
