"""People to call: what each does every time the phone rings, and what must become of a contact because of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from supervisor.simulator import Answer, Behaviour, Refuse

SHORT = Answer(ring_s=0.2, talk_s=0.3)
LONG = Answer(ring_s=0.2, talk_s=2.0)
SLOW = Answer(ring_s=1.2, talk_s=0.3)
BUSY = Refuse(486, "Busy Here", after_s=0.2)
NO_ANSWER = Refuse(480, "Temporarily Unavailable", after_s=0.4, rings=True)
REJECTED = Refuse(603, "Decline", after_s=0.3, rings=True)
INVALID = Refuse(404, "Not Found", after_s=0.2)

_OUTCOMES = {BUSY: "busy", NO_ANSWER: "no_answer", REJECTED: "rejected", INVALID: "invalid_number"}
NEVER_AGAIN = {"rejected", "invalid_number"}
"""Outcomes after which nobody is called again; `rejected` by the campaign's own rule."""

MIXED: tuple[tuple[Behaviour, ...], ...] = (
    (SHORT,),
    (LONG,),
    (BUSY, SHORT),
    (NO_ANSWER, SHORT),
    (SHORT,),
    (REJECTED,),
    (SLOW,),
    (INVALID,),
    (SHORT,),
    (BUSY,),
    (NO_ANSWER, BUSY, SHORT),
    (LONG,),
)


@dataclass(frozen=True)
class Contact:
    """A number, and what it does on its first ring, its second, and so on; the last for ever."""

    number: str
    behaviours: tuple[Behaviour, ...]

    def behaviour(self, nth: int) -> Behaviour:
        """What it does on its nth ring; the first is 1."""
        return self.behaviours[min(nth, len(self.behaviours)) - 1]

    def outcome(self, nth: int) -> str:
        """How an attempt ends that rings here as the nth, if it is followed to its end."""
        behaviour = self.behaviour(nth)
        return "answered" if isinstance(behaviour, Answer) else _OUTCOMES[behaviour]  # type: ignore[index]


def contacts(
    count: int, behaviours: Iterable[tuple[Behaviour, ...]] = MIXED, *, campaign: int = 0
) -> tuple[Contact, ...]:
    """So many contacts of the campaign with this number, behaving in turn; no two numbers are the same."""
    turns = tuple(behaviours)
    return tuple(Contact(f"+7945{campaign:02}{place:05}", turns[place % len(turns)]) for place in range(count))
