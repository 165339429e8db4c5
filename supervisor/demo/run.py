"""Runs the sample campaigns to their end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from actors.errors import CampaignServiceError
from supervisor.clock import FastClock
from supervisor.config.load import Snapshot, load
from supervisor.config.samples import write_demo_configuration
from supervisor.config.secrets import Secrets
from supervisor.database.account import temporary_folder
from supervisor.database.connect import open_server, prepare_schema
from supervisor.database.pool import connection_string
from supervisor.report.summary import CampaignSummary, read_summaries
from supervisor.service import Service
from supervisor.simulator import SimulatorThread

STARTS_AT = datetime(2026, 12, 1, 7, 0, tzinfo=UTC)
"""A Tuesday morning on which the sample campaigns may call, whatever the time is here."""

_KEY, _SECRET = "demo", "a-secret-for-the-simulated-livekit-alone"
_LOOK_EVERY_S = 0.2


def run_demo(
    *,
    contacts: int | None,
    speed: float,
    keep: Path | None,
    stop: threading.Event,
    show: Callable[[list[CampaignSummary], datetime], None],
) -> list[CampaignSummary]:
    """Run until every campaign has ended, or `stop` is set; `show` is called a few times a second with how far they
    are and the demo's time. Returns the last state. Leaves nothing behind but `keep`, if given."""
    with _folder(keep) as folder:
        shipped = load(write_demo_configuration(folder / "config", contacts))
        clock = FastClock(STARTS_AT, speed)
        with SimulatorThread(api_key=_KEY, api_secret=_SECRET, speed=speed, now=clock.now) as livekit:
            snapshot = _on_loopback(shipped, folder, livekit.url)
            with open_server(snapshot) as dsn:
                prepare_schema(snapshot, dsn)
                service = Service(snapshot, Secrets(livekit_api_key=_KEY, livekit_api_secret=_SECRET), dsn, clock)
                service.start(on_listening=lambda url: livekit.set_webhook_url(f"{url}/webhooks/livekit"))
                try:
                    with psycopg.connect(connection_string(dsn, "campaignd demo"), autocommit=True) as connection:
                        return _watch(connection, service, clock, stop, show)
                finally:
                    service.stop()


def _watch(
    connection: psycopg.Connection,
    service: Service,
    clock: FastClock,
    stop: threading.Event,
    show: Callable[[list[CampaignSummary], datetime], None],
) -> list[CampaignSummary]:
    while True:
        summaries = read_summaries(connection)
        show(summaries, clock.now())
        if stop.is_set() or all(summary.status in ("completed", "failed") for summary in summaries):
            return summaries
        if service.failed.is_set():
            raise CampaignServiceError("the service has failed; see its log above")
        stop.wait(_LOOK_EVERY_S)


def _on_loopback(snapshot: Snapshot, folder: Path, livekit_url: str) -> Snapshot:
    """The shipped configuration with this demo's own LiveKit, state directory and port."""

    def changed(table: Any, **values: Any) -> Any:
        return table.model_copy(update=values)

    service = snapshot.service
    tables: Mapping[str, Any] = {
        "service": changed(service.service, state_directory=str(folder / "state")),
        "livekit": changed(service.livekit, url=livekit_url),
        "http": changed(service.http, listen="127.0.0.1:0"),
    }
    return replace(snapshot, service=changed(service, **tables))


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with temporary_folder("campaignd-demo-") as folder:
            yield folder
    else:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.absolute()
