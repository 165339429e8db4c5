"""The breakers' actor: hears how calls end, and says which services are left alone and when they are tried again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from actors.actor import Actor, Surroundings
from actors.addresses import RECORDING, SUPERVISOR, Address, trunk_address
from actors.breakers import blame, holds, ledger
from actors.breakers.blame import Finding, WrongNumbers
from actors.breakers.breaker import BreakerLimits, Result, State
from actors.breakers.ledger import BreakerRow
from actors.breakers.messages import (
    AgentAbsent,
    AgentJoined,
    AgentSentFor,
    BreakerChanged,
    BreakersConfigured,
    CallAnswered,
    CampaignsChanged,
    ProbeAnswered,
    ProbeReturned,
    ProbeWanted,
    RecordingJudged,
    WhatFails,
)
from actors.breakers.probes import AgentRoom, Probe, Probes, limits_of, needs_livekit, probe_job
from actors.breakers.reminders import LookForAgent, ProbeLate, Pulse, RetryDue, SaveAgain
from actors.breakers.rows import Rows
from actors.breakers.watched import EVENTS, Watched, what_fails
from actors.call import ROOM_PREFIX, CallResult
from actors.campaign.messages import CallEnded, ServicesFailing
from actors.ids import new_id
from actors.services import LIVEKIT, RECORDINGS, trunk_service
from actors.telemetry import Telemetry

PULSE = timedelta(seconds=30)
"""How often rows, holds and counts of errors are brought up to date."""
SAVE_AGAIN = timedelta(seconds=5)
LOOK_EVERY = timedelta(seconds=2)
"""How often it is looked whether the agent that was sent for has come."""
STAND_BACK = timedelta(seconds=5)
"""How much later one who had no use for a probe tries again: so another process, which may have one, is first."""
_TOLD = ("campaign:", "trunk:", RECORDING)


class Breakers(Actor):
    """Owns a breaker for each service. What it decides, everybody in this process is told at once; then the row is
    written, and the campaigns that need the service are held by it. Of several processes, the first to write a change
    has made it, the others follow; so one probes at a time. Without PostgreSQL it goes on deciding, probes nothing, and
    writes when it is back."""

    def __init__(
        self,
        address: Address,
        generation: int,
        surroundings: Surroundings,
        *,
        pool: ConnectionPool,
        probes: Probes,
        telemetry: Telemetry,
        limits: BreakerLimits,
        trunks: Sequence[str],
        agent_timeout: timedelta,
        supervisor_id: UUID,
    ) -> None:
        """`limits.probe_within` is for the probes of agents; `agent_timeout` is how long one is waited for."""
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._pool = pool
        self._rows = Rows(pool, self.log, self._take)
        self._probes = probes
        self._telemetry = telemetry
        self._limits = limits
        self._trunks = trunks
        self._agent_timeout = agent_timeout
        self._supervisor_id = supervisor_id
        self._services: dict[str, Watched] = {}
        self._ours: dict[str, Probe] = {}  # those that this process makes now, by service
        self._stand_back: set[str] = set()
        self._untried: set[str] = set()  # those that our last probe found nobody for who may be called
        self._refused_on: str | None = None  # the trunk of the last call that LiveKit has failed
        self._wrong_numbers = WrongNumbers()
        self._told = ServicesFailing(frozenset(), frozenset())

    def started(self) -> None:
        with self._pool.connection() as connection:
            for row in ledger.read(connection):
                self._take(row)
            alone = not ledger.others_are_there(connection, self._supervisor_id)
        for service in (LIVEKIT, RECORDINGS, *map(trunk_service, self._trunks)):
            self._watched(service)
        self._tell_everyone(anew=True)
        if alone:
            # Whoever probed them is gone, and nobody waits for the answer.
            for watched in list(self._services.values()):
                self._answer(watched.service, watched.breaker.generation, Result.NOTHING)
        self._pulse()

    def stopped(self) -> None:
        for service, probe in list(self._ours.items()):
            self._answer(service, probe.generation, Result.NOTHING)

    def receive(self, message: Any) -> None:
        match message:
            case CallAnswered():
                findings = blame.of_answer(message.call, message.answered_at)
                self._hear(message.call.call_id, findings, message.dialing_at)
            case AgentJoined():
                self._hear(message.call.call_id, blame.of_agent(message.call, message.joined_at), message.dialing_at)
            case CallEnded():
                self._ended(message.result)
            case RecordingJudged():
                finding = Finding(RECORDINGS, message.error is None, self.clock.now(), message.error)
                self._hear(message.call_id, (finding,), message.asked_at)
            case RetryDue():
                self._probe(message.service)
            case ProbeLate():
                self._late(message.service)
            case ProbeAnswered():
                self._answered(message)
            case ProbeReturned():
                if probe := self._current(message):
                    self._returned(message.service, probe, unneeded=message.unneeded, shut=message.shut)
            case AgentSentFor() | AgentAbsent():
                if (probe := self._current(message)) and probe.room:
                    self._wait_for_agent(message.service, probe.generation, probe.room)
            case LookForAgent():
                if (probe := self._ours.get(message.service)) and probe.room:
                    self._probes.look_for_agent(message.service, probe.generation, probe.room.name)
            case WhatFails():
                self.tell(message.address, self._told)
            case BreakerChanged():
                self._rows.follow(self._services)
            case CampaignsChanged():
                if self._told.services:
                    self._save()
            case BreakersConfigured():
                self._configure(message)
            case SaveAgain():
                self._save()
            case Pulse():
                self._pulse()
            case _:
                raise TypeError(f"the breakers can't do anything with {message!r}")

    def _configure(self, message: BreakersConfigured) -> None:
        self._limits, self._trunks = message.limits, message.trunks
        for trunk in self._trunks:
            self._watched(trunk_service(trunk))
        for watched in self._services.values():
            watched.follow(limits_of(watched.service, self._limits))
            self._see_to(watched)  # a trunk that comes back was not tried meanwhile

    # What calls show

    def _ended(self, result: CallResult) -> None:
        call = result.call
        findings = blame.of_result(result, self._wrong_numbers.count(result))
        asked_at = result.dialing_at or result.ended_at
        if any(finding.service == LIVEKIT and not finding.ok for finding in findings):
            self._refused_on = call.trunk
        self._hear(call.call_id, findings, asked_at)
        # The one call that was let begin as a probe has shown nothing.
        for service in {LIVEKIT, trunk_service(call.trunk)} - {finding.service for finding in findings}:
            began = self._watched(service).breaker.changed_at
            if service in self._ours and began is not None and asked_at >= began:
                self._answer(service, self._ours[service].generation, Result.NOTHING)

    def _hear(self, call_id: UUID, findings: Iterable[Finding], asked_at: datetime) -> None:
        for finding in findings:
            watched = self._watched(finding.service)
            if finding.ok:
                watched.note_success(finding.at)
            else:
                watched.note_error(finding.error, finding.at)
            if watched.breaker.record(call_id, finding.ok, asked_at, finding.at, self.clock.now()):
                self._changed(watched)

    # Probes

    def _probe(self, service: str) -> None:
        if not self._is_configured(service):
            return
        now = self.clock.now()
        if needs_livekit(service) and self._watched(LIVEKIT).breaker.state is not State.CLOSED:
            self.remind(f"retry {service}", now + self._limits.open_for, RetryDue(service))
            return
        watched = self._watched(service)
        permit = watched.breaker.acquire(now)
        if permit is None:
            return
        self._ours[service] = probe = Probe(permit)
        self._stand_back.discard(service)
        self._untried.discard(service)
        self._changed(watched)
        if self._ours.get(service) is not probe:
            return  # another process has taken it
        if service in self._rows.unwritten:
            # PostgreSQL is away: nobody can tell who else would probe, and nobody dials.
            self._answer(service, probe.generation, Result.NOTHING)
            return
        self._begin_probe(service, probe)

    def _begin_probe(self, service: str, probe: Probe) -> None:
        kind, _, name = service.partition(":")
        match kind:
            case "livekit":
                self._probes.list_rooms(service, probe.generation)
            case "agents":
                self._send_for_agent(service, probe, name)
            case "trunk":
                self._want(trunk_address(name), service, probe)
            case _:
                self._want(RECORDING, service, probe)

    def _send_for_agent(self, service: str, probe: Probe, agent_name: str) -> None:
        told = self._rows.read(lambda connection: ledger.read_skillbase(connection, agent_name))
        if not told:
            # Agents that no skillbase has any more are needed by nobody.
            self._answer(service, probe.generation, Result.NOTHING if told is None else Result.OK)
            return
        probe_id = new_id()
        probe.room = AgentRoom(f"{ROOM_PREFIX}probe-{probe_id}", self.clock.now() + self._agent_timeout)
        job = probe_job(*told[0], probe_id)
        self._probes.send_for_agent(service, probe.generation, probe.room.name, agent_name, job)

    def _want(self, address: Address, service: str, probe: Probe) -> None:
        if not self.tell(address, ProbeWanted(service, probe.generation, probe.permit.until)):
            self._returned(service, probe)

    def _current(self, message: ProbeAnswered | ProbeReturned | AgentSentFor | AgentAbsent) -> Probe | None:
        """The probe that this is about; None: it is over."""
        probe = self._ours.get(message.service)
        return probe if probe is not None and probe.generation == message.generation else None

    def _answered(self, message: ProbeAnswered) -> None:
        service, probe = message.service, self._current(message)
        if probe is None:
            return
        if service == LIVEKIT and message.result is Result.OK:
            self._call_through(probe)
            return
        if message.result is Result.FAILED:
            self._watched(service).note_error(message.error, self.clock.now())
        elif message.error is not None:
            self.log.info("probe_not_made", service=service, error=message.error)
        self._answer(service, message.generation, message.result)

    def _call_through(self, probe: Probe) -> None:
        """LiveKit's API answers; whether calls go through, only a call can tell. Where nobody waits to make one, nobody
        would run into an outage either."""
        waiting = self._rows.read(lambda connection: holds.waiting_for(connection, LIVEKIT, self.clock.now()))
        if waiting is None:
            self._answer(LIVEKIT, probe.generation, Result.NOTHING)
            return
        # The one that LiveKit has failed on comes first.
        probe.trunks = sorted(waiting.intersection(self._trunks), key=lambda trunk: (trunk != self._refused_on, trunk))
        if probe.trunks:
            self._try_next_trunk(probe)
        else:
            self._answer(LIVEKIT, probe.generation, Result.OK)

    def _try_next_trunk(self, probe: Probe) -> None:
        self._want(trunk_address(probe.trunks.pop(0)), LIVEKIT, probe)

    def _returned(self, service: str, probe: Probe, *, unneeded: bool = False, shut: bool = False) -> None:
        probe.shut = probe.shut and shut
        if probe.trunks:
            self._try_next_trunk(probe)
        elif unneeded:
            self._answer(service, probe.generation, Result.OK)
        else:
            # Whoever waits for it would run into an outage, if it lasts.
            self._stand_back.add(service)
            if probe.shut:
                self._untried.add(service)
            self._answer(service, probe.generation, Result.NOTHING)

    def _wait_for_agent(self, service: str, generation: int, room: AgentRoom) -> None:
        now = self.clock.now()
        if now < room.until:
            self.remind(f"look {service}", min(now + LOOK_EVERY, room.until), LookForAgent(service))
            return
        waited = f"no agent joined an empty room within {self._agent_timeout.total_seconds():g} s"
        livekit_works = self._watched(LIVEKIT).breaker.state is State.CLOSED
        self._answered(ProbeAnswered(service, generation, Result.FAILED if livekit_works else Result.NOTHING, waited))

    def _late(self, service: str) -> None:
        watched, now = self._watched(service), self.clock.now()
        if watched.breaker.expire(now):
            watched.note_error("its probe was not answered in time", now)
            self._changed(watched)

    def _answer(self, service: str, generation: int, result: Result) -> None:
        watched = self._watched(service)
        if watched.breaker.answer(generation, result, self.clock.now()):
            self._changed(watched)

    # What follows from a change

    def _changed(self, watched: Watched) -> None:
        service, breaker, state = watched.service, watched.breaker, watched.breaker.state
        self._rows.unwritten.add(service)
        if state is State.CLOSED:
            watched.forget_errors()
        self._see_to(watched)
        self._telemetry.breaker_changed(service, state.value)
        begins = breaker.snapshot().opened_at == breaker.changed_at
        log = self.log.warning if begins else self.log.info  # once for an outage, however often the service is tried
        log(EVENTS[state], service=service, error=watched.last_error, errors=watched.error_count)
        self._save()

    def _see_to(self, watched: Watched) -> None:
        """Everybody is told, reminders are set, and what is left of a probe is put away."""
        service, breaker = watched.service, watched.breaker
        self._show(watched)
        self._tell_everyone()
        self.forget(f"retry {service}")
        self.forget(f"probe {service}")
        if breaker.retry_at is not None:
            back = STAND_BACK if service in self._stand_back else timedelta(0)
            self.remind(f"retry {service}", breaker.retry_at + back, RetryDue(service))
        if breaker.probe_until is not None:
            self.remind(f"probe {service}", breaker.probe_until, ProbeLate(service))
        else:
            self._put_away(service)

    def _put_away(self, service: str) -> None:
        """What is left of our probe, which is over."""
        if (probe := self._ours.pop(service, None)) and probe.room:
            self.forget(f"look {service}")
            self._probes.delete_room(probe.room.name)

    def _tell_everyone(self, *, anew: bool = False) -> None:
        failing = what_fails(self._services.values())
        if failing == self._told and not anew:
            return
        self._told = failing
        for address in self._directory.residents():
            if address.startswith(_TOLD):
                self.tell(address, failing)

    # The rows

    def _save(self) -> None:
        if not self._rows.save(self._services, self.clock.now()):
            self.remind("save", self.clock.now() + SAVE_AGAIN, SaveAgain())

    def _take(self, row: BreakerRow) -> None:
        """Another process, or the one before this, has decided."""
        watched = self._watched(row.service)
        if watched.breaker.state.value != row.state:
            self.log.info("breaker_followed", service=row.service, state=row.state, error=row.last_error)
        watched.take(row)
        self._rows.unwritten.discard(row.service)
        self._put_away(row.service)
        self._see_to(watched)

    def _watched(self, service: str) -> Watched:
        if service not in self._services:
            self._services[service] = Watched(service, limits_of(service, self._limits))
            self._rows.unwritten.add(service)
            self._show(self._services[service])
        return self._services[service]

    def _is_configured(self, service: str) -> bool:
        """False for a trunk that was. Of several processes another may have it still, hence its row is left alone."""
        return not service.startswith("trunk:") or service in map(trunk_service, self._trunks)

    def _show(self, watched: Watched) -> None:
        service, state = watched.service, watched.breaker.state
        untried = state is State.OPEN and service in self._untried
        self._telemetry.breaker_watched(service, state.value if self._is_configured(service) else None, untried=untried)

    def _pulse(self) -> None:
        self._rows.follow(self._services)  # of what was said while nobody listened, nobody tells again
        self._rows.unwritten.update(
            service for service, watched in self._services.items() if watched.breaker.state is not State.CLOSED
        )
        self._save()
        self.remind("pulse", self.clock.now() + PULSE, Pulse())
