"""Actors are addressed by name, never by a stored reference: a reference goes stale when its actor is restarted."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any, NewType
from uuid import UUID

import pykka

Address = NewType("Address", str)

SUPERVISOR = Address("supervisor")
ROSTER = Address("roster")
CALLS = Address("calls")
RECONCILER = Address("reconciler")
JOBS = Address("jobs")
RECORDING = Address("recording")
BREAKERS = Address("breakers")
CENSUS = Address("census")
DIALER_PREFIX = "dialer:"
_CAMPAIGN = "campaign:"
_TRUNK = "trunk:"


def campaign_address(campaign_id: UUID) -> Address:
    """The actor of one campaign."""
    return Address(f"{_CAMPAIGN}{campaign_id}")


def trunk_address(name: str) -> Address:
    """The actor of one trunk."""
    return Address(f"{_TRUNK}{name}")


def dialer_address(call_id: UUID) -> Address:
    """The dialer of one call."""
    return Address(f"{DIALER_PREFIX}{call_id}")


class Activity:
    """What one actor is doing, for those who watch that nobody hangs. A single value, written by the actor and read by
    them: so that to watch ten thousand wakes none of them."""

    __slots__ = ("since",)

    def __init__(self, since: float) -> None:
        self.since: float | None = since
        """On the stopwatch: since when it has been at one message, at its start, or at its end; None: it waits for a
        message. One that has ended stays at its end."""


class Directory:
    """Who lives at which address now. An actor enters itself when it is made; its parent takes it out when it has
    ended; everybody may tell.

    Safe from every thread; never blocks for longer than a dictionary takes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._residents: dict[Address, pykka.ActorRef[Any]] = {}
        self._activities: dict[Address, Activity] = {}
        self._count: Counter[str] = Counter()  # by kind

    def enter(self, address: Address, resident: pykka.ActorRef[Any], activity: Activity | None = None) -> None:
        """From now on messages to `address` go to `resident`; nobody watches one without an `activity`."""
        with self._lock:
            self._count[_kind(address)] += address not in self._residents
            self._residents[address] = resident
            if activity is not None:
                self._activities[address] = activity

    def leave(self, address: Address) -> None:
        """Nobody lives at `address` any more."""
        with self._lock:
            self._count[_kind(address)] -= self._residents.pop(address, None) is not None
            self._activities.pop(address, None)

    def find(self, address: Address) -> pykka.ActorRef[Any] | None:
        """The present resident, for the edge that must ask it something; not to be kept."""
        with self._lock:
            return self._residents.get(address)

    def residents(self) -> dict[Address, pykka.ActorRef[Any]]:
        """Everybody, as of now."""
        with self._lock:
            return dict(self._residents)

    def count(self, kind: str) -> int:
        """How many live here whose address is the kind's, or begins with it and a colon: asked twice a second, however
        many they are."""
        with self._lock:
            return self._count[kind]

    def at_work(self, kind: str | None = None) -> dict[Address, float]:
        """All residents, or those of a kind (`count`), that are at a message, or have ended and not been taken out; and
        since when on the stopwatch. Most have nothing to do, and cost nothing."""
        with self._lock:
            activities = list(self._activities.items())
        busy = [(address, since) for address, activity in activities if (since := activity.since) is not None]
        return {address: since for address, since in busy if kind is None or _kind(address) == kind}

    def campaigns(self) -> list[UUID]:
        """The campaigns that have an actor now."""
        return [UUID(address.removeprefix(_CAMPAIGN)) for address in self.residents() if address.startswith(_CAMPAIGN)]

    def trunks(self) -> list[Address]:
        """The trunks that have an actor now."""
        return [address for address in self.residents() if address.startswith(_TRUNK)]

    def tell(self, address: Address, message: object) -> bool:
        """Put `message` into the mailbox at `address`. False: nobody lives there, the message went nowhere.

        True promises delivery to the mailbox, not that it is read: a resident may die before.
        """
        resident = self.find(address)
        if resident is None:
            return False
        try:
            resident.tell(message)
        except pykka.ActorDeadError:
            return False
        return True


def _kind(address: Address) -> str:
    return address.partition(":")[0]
