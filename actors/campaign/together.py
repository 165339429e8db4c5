"""Many threads that want to read at the same moment read together: each asks for itself, one reads for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Event, Lock
from typing import Generic, TypeVar

from psycopg_pool import PoolTimeout

Key = TypeVar("Key")
Value = TypeVar("Value")

WAIT_S = 10.0
"""How long a turn is waited for: as long as for a connection (`supervisor.database.pool`)."""


class _Asked(Generic[Key, Value]):
    """One thread's question. Whoever reads writes it, and sets `turn` last."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.turn = Event()
        self.answers: Mapping[Key, Value] | None = None  # None: it reads for itself
        self.leads = False


class Together(Generic[Key, Value]):
    """Whoever asks while nobody reads, reads; whoever asks meanwhile is read for, with all others who have, as soon as
    that is done. So what is answered was read after it was asked for, whoever read it: it is as good as if everyone
    had read for themselves. What fails for several is read by each of them alone, so that each has its own error."""

    def __init__(self, read: Callable[[Sequence[Key]], Mapping[Key, Value]], most: int) -> None:
        """`read` answers each of its keys, `most` of them at most. It is called by any of the threads."""
        self._read = read
        self._most = most
        self._lock = Lock()
        self._waiting: list[_Asked[Key, Value]] = []
        self._somebody_reads = False

    def ask(self, key: Key) -> Value:
        """What is read for this key. Raises what reading it raises; and PoolTimeout, like one who waits for a
        connection, when whoever reads takes too long."""
        asked: _Asked[Key, Value] = _Asked(key)
        with self._lock:
            self._waiting.append(asked)
            if not self._somebody_reads:
                self._appoint()
        if not asked.turn.wait(WAIT_S):
            with self._lock:
                if asked in self._waiting and not asked.leads:
                    self._waiting.remove(asked)
                    raise PoolTimeout(f"others have been reading for {WAIT_S:g} s")
            asked.turn.wait()  # it is being read at this moment, which takes as long as if it were done here
        if asked.leads:
            self._lead()
        return (self._read([key]) if asked.answers is None else asked.answers)[key]

    def _appoint(self) -> None:
        """Have the first of those who wait read for all of them, if there is anybody."""
        self._somebody_reads = bool(self._waiting)
        if self._waiting:
            self._waiting[0].leads = True
            self._waiting[0].turn.set()

    def _lead(self) -> None:
        with self._lock:
            read_for, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        answers = None
        try:
            answers = self._read([asked.key for asked in read_for])
        except Exception:  # whose fault it is shows when each reads alone
            if len(read_for) == 1:
                raise
        finally:
            with self._lock:
                self._appoint()
            for asked in read_for:
                asked.answers = answers
                asked.turn.set()
