"""`campaignd run`: the service, in the foreground."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog

from actors.errors import DatabaseError
from supervisor.clock import SystemClock
from supervisor.commands.options import config_option
from supervisor.config.load import load
from supervisor.config.secrets import load_secrets
from supervisor.database.connect import open_server, prepare_schema
from supervisor.heartbeat import Heartbeat
from supervisor.logs import log_what_nobody_caught, set_up_logs
from supervisor.many_calls import collect_rarely, make_room_for_threads
from supervisor.notify import ServiceManager
from supervisor.service import Service

if TYPE_CHECKING:
    from supervisor.database.embedded import EmbeddedPostgres


class StoppedByOperator(Exception):
    """A stop was asked for before everything was started."""


class StopSignals:
    """SIGTERM, SIGINT and `others`: the first asks for an orderly stop, a second one for an immediate one."""

    def __init__(self, *others: signal.Signals) -> None:
        self.stop = threading.Event()
        self.hurry = threading.Event()
        self._numbers = (signal.SIGTERM, signal.SIGINT, *others)

    def __enter__(self) -> StopSignals:
        self._before = {number: signal.signal(number, self._receive) for number in self._numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def raise_if_asked(self) -> None:
        """Leave a long import in the middle: it is undone, and begun again at the next start."""
        if self.stop.is_set():
            raise StoppedByOperator

    def _receive(self, number: int, frame: object) -> None:
        (self.hurry if self.stop.is_set() else self.stop).set()


@click.command("run")
@config_option
def command(config: Path) -> None:
    """Run the service until SIGTERM or Ctrl-C; then running calls may end, for up to drain_timeout_s.

    \b
    Example:
      LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=… campaignd run --config config/campaignd.toml
    """
    # A hung process is ended by its watchdog with SIGABRT: then the log says where its threads were.
    faulthandler.enable()
    make_room_for_threads()
    collect_rarely()
    manager = ServiceManager()
    snapshot = load(config)
    secrets = load_secrets()
    secrets.livekit()
    set_up_logs(snapshot.service.logging.level, snapshot.service.logging.format)
    log_what_nobody_caught()
    log = structlog.get_logger()
    reload = threading.Event()

    def ask_for_reload(number: int, frame: object) -> None:
        manager.reloading()
        reload.set()

    # Else a `kill -HUP`, or a terminal that closes, would end every call at once.
    signal.signal(signal.SIGHUP, ask_for_reload)
    with StopSignals() as signals, open_server(snapshot) as server:
        prepare_schema(snapshot, server.dsn)
        service = Service(snapshot, secrets, server.dsn, SystemClock())
        heartbeat = Heartbeat(manager, service)
        try:
            service.start(progress=heartbeat.importing, while_importing=signals.raise_if_asked)
        except StoppedByOperator:
            log.info("stopped", reason="asked to while it was starting")
            return
        manager.ready(heartbeat.doing)
        while not signals.stop.wait(heartbeat.interval_s):
            heartbeat.running()
            if reload.is_set():
                reload.clear()
                heartbeat.reloading()
                heartbeat.reloaded(service.reload())
                set_up_logs(service.snapshot.service.logging.level, service.snapshot.service.logging.format)
                manager.ready(heartbeat.doing)
            if service.failed.is_set() or not _is_kept_up(server.embedded):
                # Its threads may be stuck: nothing is waited for, and the next start takes the calls over.
                log.error("exiting_after_failure")
                os._exit(1)
        # From now on files are not read any more, and systemd must not be told that they are.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        manager.stopping()
        log.info("stopping", calls=service.calls_in_progress())
        left = service.drain(service.snapshot.service.service.drain_timeout_s, signals.hurry, heartbeat.draining)
        heartbeat.closing()
        service.stop()
        log.info("stopped", calls_left=left)


def _is_kept_up(server: EmbeddedPostgres | None) -> bool:
    """Start an embedded PostgreSQL that was killed again: nobody else would. False when it can't be had, as with a full
    disk: then this process ends too, and its next start tries again."""
    log = structlog.get_logger()
    if server is not None and not server.is_up():
        log.error("embedded_postgresql_died")
        try:
            server.start()
        except DatabaseError as error:
            log.error("embedded_postgresql_not_started", error=str(error))
            return False
        log.info("embedded_postgresql_started")
    return True
