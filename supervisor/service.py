"""The service's life in one file: what starts in which order, what stops in which, and why."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from importlib.metadata import version
from socket import gethostname
from time import monotonic
from typing import Any

import psycopg
import pykka
import structlog

from actors.actor import Surroundings
from actors.addresses import BREAKERS, CALLS, CENSUS, RECONCILER, RECORDING, SUPERVISOR, Directory
from actors.breakers.gateway import ProbeGateway
from actors.campaign.readings import Readings
from actors.clock import Clock
from actors.dialer.gateway import DIAL_WITHIN_S, Gateway
from actors.dialer.ledger import read_installation
from actors.dialer.messages import AreAllSettled
from actors.errors import CampaignServiceError
from actors.ids import new_id
from actors.roster import leases
from actors.supervision import Drain
from supervisor.config.applied import write_applied
from supervisor.config.apply import Progress, write_settings
from supervisor.config.load import Snapshot
from supervisor.config.secrets import Secrets
from supervisor.database.pool import connection_string, open_pool
from supervisor.house import House, lines
from supervisor.http.database import Database
from supervisor.http.interface import Interface
from supervisor.http.server import HttpServer
from supervisor.importer import Importer
from supervisor.logs import messages_logged
from supervisor.metrics import Metrics, Watched
from supervisor.metrics.loop_lag import watch_loop
from supervisor.notifications import Listener
from supervisor.reload import Reload, Result
from supervisor.studio import open_studio
from supervisor.tree.loop import LoopThread
from supervisor.tree.round_trip import RoundTrip
from supervisor.tree.timer import TimerThread

_DIALS_PER_LEASE = 3
"""A decision to dial is older than this part of a lease when its request leaves: then it does not leave."""
_LOOP_TIMEOUT_S = 10.0
_GROUP_STOPS_WITHIN_S = 10.0
_ACTORS_STOP_WITHIN_S = 30.0
"""All of them together: where several groups hang, each has less time."""
_ANSWER_TIMEOUT_S = 1.0
_LOOK_EVERY_S = 0.5


class Service:
    """Everything that runs in the process, for one database and one configuration. Used by the main thread alone:
    `start`, then `stop` once. Commands `run` and `demo`, and tests, are its only users."""

    def __init__(
        self, snapshot: Snapshot, secrets: Secrets, dsn: str, clock: Clock, lease: timedelta | None = None
    ) -> None:
        """`lease` goes by PostgreSQL's clock, renewals by `clock`: one that does not run like the wall's needs longer
        leases than the configuration's."""
        self._snapshot = snapshot
        self._secrets = secrets
        self._dsn = dsn
        self._clock = clock
        self._lease = lease or timedelta(seconds=snapshot.service.service.lease_s)
        self._ready = False
        self._log = structlog.get_logger()
        self._closing = ExitStack()
        self.directory = Directory()
        self.failed = threading.Event()
        """Set when the process can't go on: the Supervisor or the event loop has died."""
        self._round_trip: RoundTrip | None = None
        self._reload: Reload | None = None
        self.url = ""
        """Where its HTTP interface is, once started."""

    def start(
        self,
        on_listening: Callable[[str], None] = lambda url: None,
        progress: Progress = lambda slug, done, total: None,
        while_importing: Callable[[], None] = lambda: None,
    ) -> None:
        """Start everything, and apply the configuration. Returns when campaigns are being worked, and each call list is
        imported or put off. `on_listening` is told the URL of its HTTP interface before anybody is called; `progress`,
        on another thread, how far the import is. `while_importing` is called again and again, and what it raises ends
        the start. Raises CampaignServiceError; after any exception nothing runs."""
        try:
            self._start(on_listening, progress, while_importing)
        except BaseException:
            self._closing.close()
            raise

    @property
    def snapshot(self) -> Snapshot:
        """The configuration that is in force."""
        return self._snapshot

    def reload(self) -> Result:
        """Read all files again and apply what differs to what runs (`supervisor.reload`). Once started."""
        assert self._reload is not None, "not started"
        return self._reload(self._snapshot.file)

    def begin_nothing_new(self) -> None:
        """Begin no new calls from now on; calls in progress go on."""
        self._ready = False
        self.directory.tell(SUPERVISOR, Drain())

    def calls_in_progress(self) -> int:
        """Dialers that are at work."""
        return self.directory.count("dialer")

    def results_are_written(self) -> bool:
        """Whether nothing that calls yielded waits in memory to be written. Not so for certain is no."""
        resident = self.directory.find(CALLS)
        try:
            return resident is not None and bool(resident.ask(AreAllSettled(), timeout=_ANSWER_TIMEOUT_S))
        except (pykka.Timeout, pykka.ActorDeadError):
            return False

    def silent(self, within_s: float) -> list[str]:
        """Who of those that everything depends on has not answered within this time: the Supervisor, the event loop,
        the timer. Once started, until stopped."""
        assert self._round_trip is not None, "not started"
        return self._round_trip.silent(within_s)

    def drain(self, timeout_s: float, hurry: threading.Event, while_waiting: Callable[[], None] = lambda: None) -> int:
        """Begin nothing new and wait until every call is over and its result in PostgreSQL, at most this long, or until
        `hurry` is set; `while_waiting` is called again and again. Returns how many calls are still up."""
        self.begin_nothing_new()
        deadline = monotonic() + timeout_s
        while (calls := self.calls_in_progress()) or not self.results_are_written():
            if monotonic() >= deadline or self.failed.is_set():
                break
            while_waiting()
            if hurry.wait(min(0.05, max(deadline - monotonic(), 0))):
                break
        return calls

    def stop(self) -> None:
        """Stop everything, from the leaves to the root. Calls still up go on in LiveKit."""
        self.begin_nothing_new()
        self._closing.close()

    def _start(
        self, on_listening: Callable[[str], None], progress: Progress, while_importing: Callable[[], None]
    ) -> None:
        snapshot, closing = self._snapshot, self._closing
        key, secret = self._secrets.livekit()
        metrics = Metrics(version("campaignd"))

        pool = open_pool(self._dsn, snapshot.service.database.pool_size)
        closing.callback(pool.close)
        with pool.connection() as connection:
            installation = read_installation(connection)

        # The loop outlives the actors: they may ask the gateway until their last message.
        loop = LoopThread(self._on_death)
        loop.start()
        closing.callback(loop.stop)
        loop.submit(watch_loop(metrics.loop_called_back))

        livekit = snapshot.service.livekit
        dial_within_s = min(DIAL_WITHIN_S, self._lease.total_seconds() / _DIALS_PER_LEASE)
        gateway = Gateway(
            loop,
            self.directory,
            livekit.url,
            key,
            secret,
            lines(snapshot.service.trunks),
            installation,
            dial_within_s=dial_within_s,
        )
        loop.run(gateway.open(), _LOOP_TIMEOUT_S)
        closing.callback(lambda: loop.run(gateway.close(), _LOOP_TIMEOUT_S))

        probes = ProbeGateway(loop, self.directory, livekit.url, key, secret)
        loop.run(probes.open(), _LOOP_TIMEOUT_S)
        closing.callback(lambda: loop.run(probes.close(), _LOOP_TIMEOUT_S))

        studio = open_studio(snapshot, loop, self.directory, key, secret)
        closing.callback(studio.close, loop)

        timer = TimerThread(self._clock, self.directory, self._on_death)
        timer.start()
        closing.callback(timer.stop)
        self._round_trip = RoundTrip(self.directory, loop, timer)

        interface = Interface(
            directory=self.directory,
            metrics=metrics,
            webhook_key=key,
            webhook_secret=secret,
            is_ready=lambda: self._ready,
            database=Database(pool, self._dsn),
            snapshot=lambda: self._snapshot,
            now=self._clock.now,
        )
        listen = snapshot.service.http
        http = HttpServer(host=listen.host, port=listen.port, token=self._secrets.http_token, interface=interface)
        self.url = loop.run(http.start(), _LOOP_TIMEOUT_S)
        on_listening(self.url)
        # After the dialers: until then webhooks tell them how their calls end.
        closing.callback(lambda: loop.run(http.stop(), _LOOP_TIMEOUT_S))

        # Before anyone dials: a campaign that was disabled while we were away must not call.
        with psycopg.connect(connection_string(self._dsn, "campaignd configuration")) as connection:
            campaigns = write_settings(connection, snapshot, self._clock.now())
            write_applied(connection, snapshot, self._clock.now())
        metrics.config_in_use(snapshot.digest, self._clock.now())

        surroundings = Surroundings(self._clock, timer, self.directory, monotonic)
        this = leases.Supervisor(new_id(), gethostname(), os.getpid(), version("campaignd"))
        # Before the first lease is taken, and until the last is released: others see by it that we are there.
        listener = Listener(self._dsn, self.directory, this.id)
        listens = loop.submit(listener.run())
        closing.callback(listens.cancel)
        loop.run(listener.listening.wait(), _LOOP_TIMEOUT_S)
        metrics.watch(
            Watched(
                actors=self._actors,
                pool=pool.get_stats,
                messages=messages_logged,
                is_ready=lambda: self._ready,
                is_connected=lambda: listener.connected,
            )
        )

        house = House(
            surroundings=surroundings,
            pool=pool,
            readings=Readings(pool, this.id, self._clock),
            gateway=gateway,
            telemetry=metrics,
            snapshot=lambda: self._snapshot,
            probes=probes,
            studio=studio,
            supervisor=this,
            installation=installation,
            lease=self._lease,
            longest_dial=timedelta(seconds=livekit.longest_dial_s),
        )
        house.start_supervisor(self._on_death)
        closing.callback(self._stop_actors)

        importer = Importer(self._dsn, self._clock.now, self._on_death)
        importer.start()
        closing.callback(importer.stop)
        self._reload = Reload(
            running=lambda: self._snapshot,
            run=self._run,
            dsn=self._dsn,
            now=self._clock.now,
            directory=self.directory,
            gateway=gateway,
            importer=importer,
            metrics=metrics,
        )

        # Beside calling: a long list keeps nobody waiting but its own campaign.
        importer.want(snapshot, campaigns, progress)
        while not importer.has_tried(_LOOK_EVERY_S):
            while_importing()
            if self.failed.is_set():
                raise CampaignServiceError("The service failed while it started: its log has why (service_failed)")
        self._ready = True
        self._log.info("service_ready", url=self.url, campaigns=len(campaigns))

    def _run(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def _stop_actors(self) -> None:
        """The Supervisor first, so that it starts nothing again; then from those who produce results to those who
        settle them; all within one deadline, of which no group takes more than its part. Dialers once more after
        Calls, which may have started some of calls that lay in its mailbox."""
        deadline = monotonic() + _ACTORS_STOP_WITHIN_S
        callers = ("dialer:", "calls", "dialer:", "campaign:")
        for prefix in (SUPERVISOR, RECONCILER, CENSUS, *callers, "jobs", RECORDING, "roster", "trunk:", BREAKERS):
            residents = [ref for address, ref in self.directory.residents().items() if address.startswith(prefix)]
            slow = _stop_all(residents, min(deadline, monotonic() + _GROUP_STOPS_WITHIN_S))
            if slow:
                self._log.warning("actors_did_not_stop", kind=prefix, count=slow)

    def _on_death(self, error: BaseException | None) -> None:
        self._log.error("service_failed", error=repr(error))
        self.failed.set()

    def _actors(self) -> Mapping[str, tuple[int, int]]:
        """Actors by kind: how many, and how many messages wait for them."""
        count: Counter[str] = Counter()
        waiting: Counter[str] = Counter()
        for address, ref in self.directory.residents().items():
            kind = address.partition(":")[0]
            count[kind] += 1
            waiting[kind] += _mailbox(ref)
        return {kind: (count[kind], waiting[kind]) for kind in count}


def _stop_all(residents: Iterable[pykka.ActorRef[Any]], deadline: float) -> int:
    """Have these actors finish what lies in their mailboxes and stop; how many did not in time."""
    stopping = [resident.stop(block=False) for resident in residents]
    slow = 0
    for stopped in stopping:
        try:
            stopped.get(timeout=max(deadline - monotonic(), 0))
        except pykka.Timeout:
            slow += 1
    return slow


def _mailbox(ref: pykka.ActorRef[Any]) -> int:
    inbox: Callable[[], int] = ref.actor_inbox.qsize  # type: ignore[attr-defined]
    return inbox()
