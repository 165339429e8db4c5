"""Runs the sample campaigns to their end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

import psycopg

from actors.campaign.schedule import Schedule
from actors.errors import CampaignServiceError
from supervisor.clock import FastClock
from supervisor.config.load import Snapshot, load
from supervisor.config.samples import write_demo_configuration
from supervisor.config.secrets import Secrets
from supervisor.database.account import temporary_folder
from supervisor.database.connect import open_server, prepare_schema
from supervisor.database.pool import connection_string
from supervisor.database.snapshot import snapshot
from supervisor.report.report import Report, read_report
from supervisor.report.summary import CampaignSummary, read_summaries
from supervisor.service import Service
from supervisor.simulator import SimulatorThread

STARTS_AT = datetime(2026, 12, 1, 7, 0, tzinfo=UTC)
"""A Tuesday morning on which the sample campaigns may call, whatever the time is here."""

_KEY, _SECRET = "demo", "a-secret-for-the-simulated-livekit-alone"
_LOOK_EVERY_S = 0.1
_DRAIN_S = 4.0
"""How long an interrupted demo lets calls end: at its speed they do, so that a kept database has none half-way."""


@dataclass(frozen=True)
class Moment:
    """How far the demo is."""

    now: datetime  # of its clock
    campaigns: list[CampaignSummary]
    opens: Mapping[str, datetime]  # when the schedules of campaigns open that are closed now, by slug


@dataclass(frozen=True)
class Ended:
    """How it went."""

    report: Report
    demo_time: timedelta  # that passed on its clock
    real_s: float  # that passed here meanwhile


class Audience(Protocol):
    """Whom the demo is shown to. Called in the thread that runs it, which waits meanwhile."""

    def tell(self, what: str) -> None:
        """What is being done before the first call and after the last."""

    def show(self, moment: Moment) -> None:
        """Several times a second while campaigns are worked."""


class DemoInterrupted(Exception):
    """Somebody asked it to stop; everything has been stopped."""


def run_demo(
    *,
    contacts: int | None,
    speed: float,
    keep: Path | None,
    stop: threading.Event,
    hurry: threading.Event,
    audience: Audience,
) -> Ended:
    """Run until every campaign has ended. Leaves nothing behind but `keep`, if given: a configuration and, in its state
    directory, the database, with which a later run goes on.

    Raises CampaignServiceError, and DemoInterrupted soon after `stop` is set; at once after `hurry` is, too.
    """
    with _folder(keep) as folder:
        audience.tell("starting PostgreSQL")
        configuration = load(write_demo_configuration(folder / "config", contacts))
        with open_server(configuration) as server:
            dsn = server.dsn
            _unless_stopped(stop)
            audience.tell("creating the tables")
            prepare_schema(configuration, dsn)
            _unless_stopped(stop)
            audience.tell("importing the call lists")
            began = monotonic()
            with psycopg.connect(connection_string(dsn, "campaignd demo"), autocommit=True) as connection:
                clock = FastClock(_first_moment(connection), speed)
                first = clock.now()
                with _service(configuration, dsn, clock, speed) as service:
                    try:
                        _watch(connection, service, configuration, clock, stop, audience)
                    except DemoInterrupted:
                        audience.tell("stopping")
                        service.drain(_DRAIN_S, hurry)
                        raise
                    with snapshot(connection):
                        return Ended(read_report(connection), clock.now() - first, monotonic() - began)


def _first_moment(connection: psycopg.Connection) -> datetime:
    """Where a kept demo's clock stood, so that it never goes back; else the usual beginning."""
    row = connection.execute("SELECT max(updated_at) FROM call_tasks").fetchone()
    return max(STARTS_AT, row[0]) if row is not None and row[0] is not None else STARTS_AT


@contextmanager
def _service(configuration: Snapshot, dsn: str, clock: FastClock, speed: float) -> Iterator[Service]:
    """The real service, which knows this simulated LiveKit, and is known to it."""
    recordings = Path(url2pathname(urlsplit(configuration.recordings_source).path))
    with SimulatorThread(
        api_key=_KEY, api_secret=_SECRET, speed=speed, now=clock.now, recordings_directory=recordings
    ) as livekit:
        secrets = Secrets(livekit_api_key=_KEY, livekit_api_secret=_SECRET)
        service = Service(_for_show(configuration, livekit.url, speed), secrets, dsn, clock, lease=timedelta(hours=1))
        service.start(on_listening=lambda url: livekit.set_webhook_url(f"{url}/webhooks/livekit"))
        try:
            yield service
        finally:
            service.stop()


def _watch(
    connection: psycopg.Connection,
    service: Service,
    configuration: Snapshot,
    clock: FastClock,
    stop: threading.Event,
    audience: Audience,
) -> None:
    schedules = {slug: Schedule(campaign.schedule) for slug, campaign in configuration.campaigns.items()}
    while True:
        _unless_stopped(stop)
        now = clock.now()
        summaries = read_summaries(connection)
        audience.show(Moment(now, summaries, _openings(schedules, now)))
        if all(summary.status in ("completed", "failed") for summary in summaries) and _recordings_at_rest(connection):
            return
        if service.failed.is_set():
            raise CampaignServiceError("the service has failed; see its log above")
        stop.wait(_LOOK_EVERY_S)


def _recordings_at_rest(connection: psycopg.Connection) -> bool:
    """Whether every call that was recorded is stored, or will never be."""
    return connection.execute("SELECT FROM recordings WHERE state NOT IN ('stored', 'failed')").fetchone() is None


def _openings(schedules: Mapping[str, Schedule], now: datetime) -> dict[str, datetime]:
    openings = {slug: schedule.next_opening(now) for slug, schedule in schedules.items() if not schedule.is_open(now)}
    return {slug: opening for slug, opening in openings.items() if opening is not None}


def _unless_stopped(stop: threading.Event) -> None:
    if stop.is_set():
        raise DemoInterrupted


def _for_show(configuration: Snapshot, livekit_url: str, speed: float) -> Snapshot:
    """The shipped configuration with this demo's own LiveKit and a port that is free. Agents are waited for as long on
    the wall's clock as usually: what a busy machine takes to bring one is not played faster."""

    def changed(table: Any, **values: Any) -> Any:
        return table.model_copy(update=values)

    service = configuration.service
    tables: Mapping[str, Any] = {
        "livekit": changed(service.livekit, url=livekit_url),
        "http": changed(service.http, listen="127.0.0.1:0"),
    }
    campaigns = {
        slug: changed(file, call=changed(file.call, agent_timeout_s=min(file.call.agent_timeout_s * speed, 60)))
        for slug, file in configuration.campaigns.items()
    }
    return replace(configuration, service=changed(service, **tables), campaigns=campaigns)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with temporary_folder("campaignd-demo-") as folder:
            yield folder
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CampaignServiceError(f"cannot create {keep}: {error.strerror}") from error
    yield keep.absolute()
