"""A small world whose service is a real process that can be killed: its database and its LiveKit outlive it."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from supervisor.database.embedded import EmbeddedPostgres
from supervisor.simulator import Ring, SimulatorThread
from tests.acceptance.running import Running
from tests.crash.contacts import Contact
from tests.crash.relay import Relay
from tests.ports import free_port
from tests.waiting import wait_until

LEASE_S = 4.0
LONGEST_DIAL_S = 2.0
"""Longer than any phone here rings."""
MAX_RETRIES = 4
KEY, SECRET = "crash", "a-secret-that-is-long-enough-for-sha256"

_SERVICE = """
[service]
state_directory = "state"
drain_timeout_s = 10
lease_s = {lease_s}
[database]
dsn = {dsn}
pool_size = {pool_size}
[livekit]
url = "{livekit}"
longest_dial_s = {longest_dial_s}
[trunks.main]
livekit_trunk_id = "ST_main"
from_number = "+74951234567"
calls_per_second = {calls_per_second}
[companies.acme]
name = "Acme"
[companies.acme.skillbases.renewals]
agent_name = "renewals-agent"
[recordings]
source = {recordings}
[http]
listen = "127.0.0.1:{port}"
[breaker]
open_s = 1
max_open_s = 2
"""

_CAMPAIGN = """
name = "{slug}"
company = "acme"
skillbase = "renewals"
trunk = "main"
call_list = "lists/{slug}.csv"
[limits]
{limits}
[retry]
max_retries = {max_retries}
retry_delay_minutes = {retry_delay_minutes}
backoff = "fixed"
jitter = 0
[retry.outcomes]
rejected = "never"
[call]
ringing_timeout_s = 5
agent_timeout_s = 10
"""


@dataclass(frozen=True)
class Campaign:
    """A campaign of the scene, and the limits that are to hold for it."""

    slug: str
    contacts: Sequence[Contact]
    max_concurrent_calls: int | None
    calls_per_minute: int | None


class Scene:
    """Campaigns first, then services: `service` starts one, under a name that it keeps over all its lives. A context
    manager, which kills what is left. `died` says that a process did not see everything, `livekit_fails` that LiveKit
    did not do or did not say everything: only then may an attempt have been interrupted, or come to nothing."""

    def __init__(self, folder: Path, dsn: str, *, services: Sequence[str] = ("a",), calls_per_second: int) -> None:
        self.folder, self.dsn = folder, dsn
        self._recordings = folder / "recorded"
        self._recordings.mkdir()
        self.campaigns: dict[str, Campaign] = {}
        self.deaths: list[datetime] = []
        self._services: list[Running] = []
        self.outages: list[tuple[datetime, datetime]] = []
        self.absences: list[tuple[datetime, datetime]] = []
        """Of PostgreSQL: a mark that was written too long after it was asked for is not followed by a dial."""
        self.service_dsn = dsn
        """How services reach the database."""
        self.options = ""
        """What else PostgreSQL is told for each of their connections, as its `options`."""
        self.pool_size = 5
        self.retry_delay_minutes = 0.005
        self.server: EmbeddedPostgres | None = None
        """The scene's own PostgreSQL, if it has one."""
        self._calls_per_second = calls_per_second
        self._ports = {name: free_port() for name in services}
        self._lives = 0
        self._closing = ExitStack()

    def __enter__(self) -> Scene:
        closing = self._closing
        self.connect()
        self.livekit = closing.enter_context(
            SimulatorThread(api_key=KEY, api_secret=SECRET, recordings_directory=self._recordings)
        )
        self.livekit.set_knobs(agent_join_s=0.05, agent_lingers_s=0.05)
        addresses = [f"{self.url(name)}/webhooks/livekit" for name in self._ports]
        if len(addresses) > 1:
            addresses = [closing.enter_context(Relay(addresses)).url]
        self.livekit.set_webhook_url(addresses[0])
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def url(self, name: str = "a") -> str:
        """Where the service of this name has its HTTP interface."""
        return f"http://127.0.0.1:{self._ports[name]}"

    def connect(self) -> None:
        """Connect to the database, once more where the connection was lost."""
        self.connection = self._closing.enter_context(psycopg.connect(self.dsn, autocommit=True))

    def campaign(
        self,
        slug: str,
        contacts: Sequence[Contact],
        *,
        max_concurrent_calls: int | None = 3,
        calls_per_minute: int | None = None,
        recorded: bool = False,
    ) -> None:
        """A campaign's file and list; from now on its numbers do what their contacts do."""
        for name in ("campaigns.d", "lists"):
            (self.folder / name).mkdir(exist_ok=True)
        limits = {"max_concurrent_calls": max_concurrent_calls, "calls_per_minute": calls_per_minute}
        lines = "\n".join(f"{key} = {value}" for key, value in limits.items() if value is not None)
        text = _CAMPAIGN.format(
            slug=slug, limits=lines, max_retries=MAX_RETRIES, retry_delay_minutes=self.retry_delay_minutes
        )
        if recorded:
            text += "[recording]\nenabled = true\n"
        (self.folder / "campaigns.d" / f"{slug}.toml").write_text(text)
        numbers = "\n".join(contact.number for contact in contacts)
        (self.folder / "lists" / f"{slug}.csv").write_text(f"phone_number\n{numbers}\n")
        self.campaigns[slug] = Campaign(slug, contacts, max_concurrent_calls, calls_per_minute)
        everybody = [contact for campaign in self.campaigns.values() for contact in campaign.contacts]
        self.livekit.set_script({contact.number: contact.behaviours for contact in everybody})

    def service(self, name: str = "a", *, kill_at: str = "", secret: str = SECRET) -> Running:
        """The service of this name, started; `kill_at` is where it dies (see actors.faults); `secret` is what it takes
        for LiveKit's."""
        self._lives += 1
        file = self.folder / f"campaignd-{name}.toml"
        dsn = make_conninfo(self.service_dsn, options=f"-c crash.who={name}{self._lives} {self.options}")
        file.write_text(
            _SERVICE.format(
                lease_s=LEASE_S,
                longest_dial_s=LONGEST_DIAL_S,
                dsn=json.dumps(dsn),
                pool_size=self.pool_size,
                livekit=self.livekit.url,
                calls_per_second=self._calls_per_second,
                port=self._ports[name],
                recordings=json.dumps(self._recordings.as_uri()),
            )
        )
        environment = os.environ | {"LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": secret, "CAMPAIGND_KILL_AT": kill_at}
        running = Running("run", "--config", file, env=environment)
        self._closing.push(running)
        self._services.append(running)
        return running

    def said(self) -> list[str]:
        """What its services have logged, but for calls that ended as they should."""
        return [line for service in self._services for line in service.err.splitlines() if "call_ended" not in line]

    def ready(self, name: str = "a", *, secret: str = SECRET) -> Running:
        """The service of this name, ready."""
        service = self.service(name, secret=secret)
        self.wait_until_ready(service)
        return service

    def wait_until_ready(self, service: Running) -> None:
        """Until it works campaigns."""
        wait_until(lambda: service.ended or "service_ready" in service.err, 30, "the service to be ready")
        assert not service.ended, service.err

    def died(self) -> None:
        """A process died just now, or stood still until now."""
        self.deaths.append(datetime.now(UTC))

    @contextmanager
    def livekit_fails(self) -> Iterator[None]:
        """For as long as the block lasts LiveKit fails somebody."""
        began = datetime.now(UTC)
        yield
        self.outages.append((began, datetime.now(UTC)))

    def kill(self, service: Running) -> None:
        """SIGKILL, now."""
        assert not service.ended, service.err
        os.kill(service.pid, signal.SIGKILL)
        assert service.end() == -signal.SIGKILL
        self.died()

    def stop(self, service: Running) -> None:
        """SIGTERM, and wait until it has drained and left in order."""
        os.kill(service.pid, signal.SIGTERM)
        assert service.end(30) == 0, service.err
        assert "calls_left=0" in service.err, service.err

    def pass_time(self, seconds: float) -> None:
        """Return after so long, whatever happens."""
        threading.Event().wait(seconds)

    def wait_until_people(self, are_called: Callable[[list[Ring]], bool]) -> None:
        """Until this is true of all rings so far; PostgreSQL, which is there, does the waiting."""

        def they_are() -> bool:
            self.read("SELECT pg_sleep(0.02)")
            return are_called(self.livekit.rings())

        wait_until(they_are, 30, "people to be called")

    def wait_until_completed(
        self, *services: Running, timeout_s: float = 100, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """Until every campaign is completed, by services that live on; `meanwhile` is done again and again."""

        def all_completed() -> bool:
            meanwhile()
            for service in services:
                assert not service.ended, service.err
            # PostgreSQL does the waiting: many scenes ask side by side.
            rows = self.read("SELECT count(*), pg_sleep(0.1) FROM campaigns WHERE status = 'completed'")
            return bool(rows[0]["count"] == len(self.campaigns))

        try:
            wait_until(all_completed, timeout_s, "every campaign to be completed")
        except AssertionError as error:
            raise AssertionError(
                "\n".join([str(error), *self._unfinished(), *(each.err for each in services)])
            ) from None

    def read(self, query: LiteralString, *values: Any) -> list[dict[str, Any]]:
        """Rows of the database, as dictionaries."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()

    def _unfinished(self) -> list[str]:
        return [
            *(str(row) for row in self.read("SELECT * FROM call_tasks WHERE status NOT IN ('completed', 'failed')")),
            *(str(row) for row in self.read("SELECT * FROM calls WHERE state NOT IN ('ended', 'given_back')")),
            *(str(row) for row in self.read("SELECT * FROM campaign_leases")),
        ]
