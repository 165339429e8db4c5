"""What a called number does, and how that is chosen: from a script, else from the number's last two digits.

    last two digits   what the number does
    00-69             answers (rings 2-8 s, talks 15-90 s)
    70-74             voicemail answers (5-10 s)
    75-79             no answer on the first ring, answers later ones
    80-82             never answers
    83-88             busy (486) on the first ring, answers later ones
    89                always busy (486)
    90-92             declines (603)
    93-95             does not exist (404)
    96                the trunk fails (503) on the first ring, later ones are answered
    97                answers, but no agent joins on the first ring; on later ones it does
    98                voicemail on the first ring, a human later
    99                unavailable (480) on the first ring, answers later ones

All durations are simulated seconds. Draws come from (seed, number, nth ring) alone, so a run is repeatable whatever
the order in which calls are placed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

EndedBy = Literal["callee", "agent_deletes_room", "agent_removes_callee"]


@dataclass(frozen=True)
class Answer:
    """Rings `ring_s`, is picked up, and lasts `talk_s` from the answer unless somebody hangs up before.

    `voicemail`: a machine picks up; the agent sets its attribute `campaignd.outcome` to `voicemail` and hangs up.
    `agent_joins`: False keeps the agents out of this call's room, as when their process never starts.
    `ended_by`: who hangs up after `talk_s`; without an agent in the room it is the callee, who loses patience sooner.
    """

    ring_s: float = 3.0
    talk_s: float = 30.0
    voicemail: bool = False
    agent_joins: bool = True
    ended_by: EndedBy = "callee"


@dataclass(frozen=True)
class Refuse:
    """The final SIP answer is an error, `after_s` after the INVITE; `rings` first if the phone rings until then."""

    sip_code: int
    sip_status: str
    after_s: float = 1.0
    rings: bool = False


@dataclass(frozen=True)
class NoAnswer:
    """Rings until the ring window is over."""


@dataclass(frozen=True)
class Silence:
    """The carrier never gives a final answer: the transaction dies after `after_s`, having seen `responses`."""

    responses: int = 0
    after_s: float = 32.0


@dataclass(frozen=True)
class Fail:
    """LiveKit itself answers the dial with this Twirp error, without a SIP status, `after_s` after the INVITE."""

    code: str
    message: str
    after_s: float = 1.0


Behaviour = Answer | Refuse | NoAnswer | Silence | Fail
Script = Mapping[str, Behaviour | Sequence[Behaviour]]

BUSY = Refuse(486, "Busy Here")
_KINDS: dict[str, type[Behaviour]] = {
    "answer": Answer,
    "refuse": Refuse,
    "no_answer": NoAnswer,
    "silence": Silence,
    "fail": Fail,
}


def usual_behaviour(number: str, nth: int, seed: int = 0) -> Behaviour:
    """What `number` does on its `nth` ring (the first is 1), by the table above."""
    draw = random.Random(f"{seed}/{number}/{nth}")
    digits = "".join(c for c in number if c.isdecimal())
    last, first = int(digits[-2:] or "0"), nth == 1
    if last < 70:
        return _conversation(draw)
    if last < 75 or (last == 98 and first):
        return _voicemail(draw)
    if last < 83:
        return NoAnswer() if first or last >= 80 else _conversation(draw)
    if last < 90:
        return _refusal(draw, 486, "Busy Here") if first or last == 89 else _conversation(draw)
    if last < 93:
        return _refusal(draw, 603, "Decline", rings=True)
    if last < 96:
        return _refusal(draw, 404, "Not Found")
    if not first:
        return _conversation(draw)
    if last == 96:
        return _refusal(draw, 503, "Service Unavailable")
    if last == 97:
        return _conversation(draw, agent_joins=False)
    return _refusal(draw, 480, "Temporarily Unavailable", rings=True)


def _conversation(draw: random.Random, agent_joins: bool = True) -> Answer:
    ring_s, talk_s = draw.uniform(2, 8), draw.uniform(15, 90)
    ways: tuple[EndedBy, ...] = ("callee", "agent_deletes_room", "agent_removes_callee")
    return Answer(ring_s, talk_s, agent_joins=agent_joins, ended_by=draw.choices(ways, weights=(60, 25, 15))[0])


def _voicemail(draw: random.Random) -> Answer:
    return Answer(draw.uniform(2, 8), draw.uniform(5, 10), voicemail=True, ended_by="agent_removes_callee")


def _refusal(draw: random.Random, code: int, status: str, rings: bool = False) -> Refuse:
    return Refuse(code, status, draw.uniform(2, 8) if rings else draw.uniform(0.5, 2), rings)


class Numbers:
    """Says what each ring of each number does, and counts the rings of each number."""

    def __init__(self, seed: int = 0, script: Script | None = None) -> None:
        self._seed = seed
        self._rings: dict[str, int] = {}
        self._script: dict[str, tuple[Behaviour, ...]] = {}
        self._scripted_rings: dict[str, int] = {}
        self.set_script(script or {})

    def set_script(self, script: Script) -> None:
        """Replace the script; every number in it starts again at its first behaviour."""
        self._script = {n: tuple(b) if isinstance(b, Sequence) else (b,) for n, b in script.items()}
        self._scripted_rings.clear()
        if empty := [number for number, behaviours in self._script.items() if not behaviours]:
            raise ValueError(f"no behaviour is given for {', '.join(empty)}")

    def next_ring(self, number: str) -> tuple[int, Behaviour]:
        """Count one more ring of `number`: which one it is (the first is 1), and what the number does on it."""
        nth = self._rings[number] = self._rings.get(number, 0) + 1
        scripted = self._script.get(number)
        if scripted is None:
            return nth, usual_behaviour(number, nth, self._seed)
        done = self._scripted_rings.get(number, 0)
        self._scripted_rings[number] = done + 1
        return nth, scripted[min(done, len(scripted) - 1)]


def script_from_json(data: Any) -> dict[str, list[Behaviour]]:
    """A script from `{"+15550101": [{"kind": "answer", "ring_s": 1}, …]}`; ValueError says what is wrong with it."""
    if not isinstance(data, dict):
        raise ValueError("a script is an object: number → list of behaviours")
    return {
        number: [_behaviour_from_json(b) for b in (behaviours if isinstance(behaviours, list) else [behaviours])]
        for number, behaviours in data.items()
    }


def _behaviour_from_json(data: Any) -> Behaviour:
    if not isinstance(data, dict) or data.get("kind") not in _KINDS:
        raise ValueError(f"a behaviour is an object whose kind is one of {', '.join(_KINDS)}: {data!r}")
    kind = _KINDS[data["kind"]]
    values = {key: value for key, value in data.items() if key != "kind"}
    if unknown := values.keys() - {field.name for field in fields(kind)}:
        raise ValueError(f"a behaviour of kind {data['kind']} has no {', '.join(sorted(unknown))}")
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(str(error)) from error
