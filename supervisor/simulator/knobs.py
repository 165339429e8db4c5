"""What can be turned while the simulator runs: outages, webhooks, agents, recordings, the trunk's own limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal, get_args

OutageMode = Literal["http", "hang", "refuse", "cut", "late"]
BodyKind = Literal["twirp", "html", "text"]
WebhookMode = Literal["normal", "twice", "late", "never"]
EgressMode = Literal["complete", "failed", "aborted", "limit_reached", "stuck", "refused"]
SERVICES = ("RoomService", "SIP", "Egress", "AgentDispatchService")


@dataclass(frozen=True)
class Outage:
    """How requests fail.

    http: answered with `status` and a body of kind `body` (by default the one LiveKit or its proxy would send: plain
    text for 401, HTML for 502, Twirp's JSON for the rest), nothing done; hang: accepted and never answered, nothing
    done; refuse: the connection is closed, nothing done; cut: *done*, then the connection is closed without an answer
    (a client can't tell these two apart); late: *done*, and answered `seconds` (simulated) later. `times`: how many
    requests fail so, None for all. For connections that are refused outright see `Simulator.go_down`.
    """

    mode: OutageMode
    status: int = 503
    body: BodyKind | None = None
    seconds: float = 10.0
    times: int | None = None

    def __post_init__(self) -> None:
        _one_of("mode", self.mode, OutageMode)
        if self.body is not None:
            _one_of("body", self.body, BodyKind)

    @property
    def body_kind(self) -> BodyKind:
        """The kind of body an `http` outage answers with."""
        if self.body is not None:
            return self.body
        return "text" if self.status == 401 else "html" if self.status == 502 else "twirp"


@dataclass(frozen=True)
class Knobs:
    """The settings in force. Times are in simulated seconds; rates per simulated second."""

    # Key: `SIP/CreateSIPParticipant`, `SIP` or `all`; the most particular one counts.
    outages: Mapping[str, Outage] = field(default_factory=lambda: MappingProxyType({}))
    # False: dispatches are accepted as ever, and nobody takes the job.
    agent_worker: bool = True
    # Whether a worker without a name takes the rooms that were created without naming an agent.
    unnamed_agent_worker: bool = False
    agent_join_s: float = 1.0
    # Real seconds. What a number does to its agent is known only when it is dialed; at high speeds the simulated second
    # before an agent joins is shorter than the way from CreateRoom to the dial, so agents wait this long for it. No
    # longer: who wants to see whether an agent comes at all dials nobody, and waits for ten simulated seconds.
    dialed_within_real_s: float = 0.05
    # From the callee's joining the room to the INVITE.
    invite_s: float = 0.2
    # How long an agent stays after the callee has left.
    agent_lingers_s: float = 3.0
    # How long a callee who picked up listens to silence when no agent is there.
    callee_patience_s: float = 20.0
    webhook_url: str | None = None
    webhooks: WebhookMode = "normal"
    webhooks_late_s: float = 5.0
    # refused: can't be started; stuck: stays active for ever; aborted: ended before it was active.
    egress: EgressMode = "complete"
    egress_start_s: float = 1.0
    # The trunk's own limits, for each trunk; past them it answers SIP 503.
    calls_per_second: int | None = None
    max_concurrent_calls: int | None = None
    # The trunks there are; None: any id that starts with ST_.
    trunks: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        _one_of("webhooks", self.webhooks, WebhookMode)
        _one_of("egress", self.egress, EgressMode)
        for key, outage in self.outages.items():
            if key != "all" and key.split("/")[0] not in SERVICES:
                raise ValueError(f"outages: {key!r} is neither all nor one of {', '.join(SERVICES)}")
            if not isinstance(outage, Outage):
                raise ValueError(f"outages: {key!r} is not an Outage")

    def changed(self, changes: Mapping[str, Any]) -> Knobs:
        """These knobs with some turned; outages may be given as plain objects. Raises ValueError, changing nothing."""
        if unknown := changes.keys() - {knob.name for knob in fields(self)}:
            raise ValueError(f"no such knob: {', '.join(sorted(unknown))}")
        values = dict(changes)
        if "outages" in values:
            given = values["outages"] or {}
            values["outages"] = MappingProxyType({key: _outage(value) for key, value in given.items()})
        if values.get("trunks") is not None:
            values["trunks"] = tuple(values["trunks"])
        return replace(self, **values)

    def as_json(self) -> dict[str, Any]:
        """The knobs as plain values."""
        values = {knob.name: getattr(self, knob.name) for knob in fields(self)}
        values["outages"] = {key: {f.name: getattr(o, f.name) for f in fields(o)} for key, o in self.outages.items()}
        return values


class Board:
    """Holds the knobs in force, and counts the requests that an outage has already hit."""

    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self._spent: dict[str, int] = {}

    def turn(self, changes: Mapping[str, Any]) -> None:
        """Put changes in force, from the next request or event on."""
        self.knobs = self.knobs.changed(changes)
        if "outages" in changes:
            self._spent.clear()

    def outage(self, service: str, method: str) -> Outage | None:
        """The outage that hits a request arriving now, if any."""
        for key in (f"{service}/{method}", service, "all"):
            outage = self.knobs.outages.get(key)
            if outage is None:
                continue
            spent = self._spent.get(key, 0)
            if outage.times is None or spent < outage.times:
                self._spent[key] = spent + 1
                return outage
        return None


def _one_of(name: str, value: str, kind: Any) -> None:
    if value not in get_args(kind):
        raise ValueError(f"{name} is one of {', '.join(get_args(kind))}, not {value!r}")


def _outage(value: Any) -> Outage:
    if isinstance(value, Outage):
        return value
    try:
        return Outage(**value)
    except TypeError as error:
        raise ValueError(f"not an outage: {value!r} ({error})") from error
