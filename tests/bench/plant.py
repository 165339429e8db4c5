"""The whole product at work, each part in a process of its own: PostgreSQL, the simulated LiveKit, and the service."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any, LiteralString
from urllib.request import Request, urlopen

import psycopg
from psycopg.rows import dict_row

from supervisor.database.embedded import EmbeddedPostgres
from supervisor.database.migrations import migrate
from tests.acceptance.running import Running
from tests.ports import free_port

KEY, SECRET = "bench", "a-secret-that-is-long-enough-for-sha256"

_SERVICE = """
[service]
state_directory = "state"
[database]
dsn = {dsn}
[livekit]
url = "{livekit}"
[trunks.main]
livekit_trunk_id = "ST_main"
from_number = "+74951234567"
[companies.acme]
name = "Acme"
[companies.acme.skillbases.renewals]
agent_name = "renewals-agent"
[http]
listen = "127.0.0.1:{port}"
[logging]
format = "json"
"""

_CAMPAIGN = """
name = "{slug}"
company = "acme"
skillbase = "renewals"
trunk = "main"
call_list = "lists/{slug}.csv"
{settings}
[call]
max_call_duration_s = 86400
agent_timeout_s = 60
"""


@dataclass(frozen=True)
class Rang:
    """One ring as LiveKit saw it; instants are the wall's, in seconds since 1970."""

    at: float
    ended_at: float | None


class Plant:
    """A context manager. Campaigns first, then `start`. Nobody rings or talks for longer than the campaign's numbers
    are told to; agents come and go at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._script: dict[str, list[dict[str, Any]]] = {}
        self._port = free_port()
        self._closing = ExitStack()

    def __enter__(self) -> Plant:
        self.server = self._closing.enter_context(EmbeddedPostgres(self.folder / "postgresql"))
        migrate(self.server.dsn)
        self.connection = self._closing.enter_context(psycopg.connect(self.server.dsn, autocommit=True))
        credentials = ("--api-key", KEY, "--api-secret", SECRET)
        self.simulator = self._closing.enter_context(Running("simulate-livekit", "--port", 0, *credentials))
        wait_for(lambda: self.simulator.out.count("\n"), "LiveKit to listen")
        self.use(self.simulator.out.split()[-1])
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def url(self) -> str:
        """Where the service has its HTTP interface."""
        return f"http://127.0.0.1:{self._port}"

    def use(self, livekit_url: str) -> None:
        """Have the service use the simulated LiveKit that listens there."""
        self.livekit_url = livekit_url
        self.turn(invite_s=0, agent_join_s=0, agent_lingers_s=0, webhook_url=f"{self.url}/webhooks/livekit")

    def campaign(self, slug: str, talks_s: Iterable[float], settings: str = "") -> None:
        """A campaign's file and its list: a number for each of these durations, answered at once."""
        for name in ("campaigns.d", "lists"):
            (self.folder / name).mkdir(exist_ok=True)
        rows = ["phone_number"]
        for talk_s in talks_s:
            rows.append(number(len(self._script)))
            self._script[rows[-1]] = [{"kind": "answer", "ring_s": 0, "talk_s": talk_s}]
        (self.folder / "campaigns.d" / f"{slug}.toml").write_text(_CAMPAIGN.format(slug=slug, settings=settings))
        (self.folder / "lists" / f"{slug}.csv").write_text("\n".join(rows) + "\n")

    def configuration(self) -> Path:
        """The service's file; from now on LiveKit knows what the numbers do."""
        self._ask("/simulator/script", self._script)
        file = self.folder / "campaignd.toml"
        file.write_text(_SERVICE.format(dsn=json.dumps(self.server.dsn), livekit=self.livekit_url, port=self._port))
        return file

    def start(self) -> Running:
        """The service's process, at its start. The first one finds an empty database, the next ones what it left."""
        environment = os.environ | {"LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": SECRET}
        return self._closing.enter_context(Running("run", "--config", self.configuration(), env=environment))

    def ready(self) -> Running:
        """The service's process, working campaigns."""
        service = self.start()
        wait_for(lambda: service.ended or "service_ready" in service.err, "the service to be ready")
        assert not service.ended, service.err
        return service

    def kill(self, service: Running) -> None:
        """SIGKILL, now."""
        os.kill(service.pid, signal.SIGKILL)
        service.end()

    def turn(self, **knobs: Any) -> None:
        """Turn LiveKit's knobs."""
        self._ask("/simulator/knobs", knobs)

    def state(self) -> dict[str, Any]:
        """What LiveKit is doing, in numbers."""
        return self._ask("/simulator/state")

    def rings(self) -> list[Rang]:
        """Every ring so far, in their order."""
        rings = self._ask("/simulator/rings")["rings"]
        return [Rang(_at(ring["at"]), ring["ended_at"] and _at(ring["ended_at"])) for ring in rings]

    def read(self, query: LiteralString, *values: Any) -> list[dict[str, Any]]:
        """Rows of the database, as dictionaries."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()

    def cpu_s(self) -> dict[str, float]:
        """Seconds of CPU that each part has used by now, the service apart (`cpu_s` of its process)."""
        return {"livekit": cpu_s(self.simulator.pid), "postgresql": _family_cpu_s(self.server.pid)}

    def _ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self.livekit_url + path, data), timeout=60) as answer:
            return json.load(answer)


def number(contact: int) -> str:
    """Whom to call for the contact of this number, over all campaigns."""
    return f"+7945{contact:07}"


def wait_for(condition: Callable[[], object], what: str, within_s: float = 600) -> None:
    """Look at it ten times a second: what is measured shares two cores with whoever watches."""
    deadline = monotonic() + within_s
    while not condition():
        if monotonic() > deadline:
            raise TimeoutError(f"still waiting for {what} after {within_s:g} s")
        sleep(0.1)


def said(service: Running, event: str) -> list[float]:
    """When the service logged this event: the wall's seconds since 1970."""
    lines = (line for line in service.err.splitlines() if f'"{event}"' in line)
    return [_at(json.loads(line)["timestamp"]) for line in lines]


def memory_mib(process: int) -> float:
    """The most memory that a process has had resident."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def cpu_s(process: int) -> float:
    """Seconds of CPU that a process has used."""
    values = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


def share(values: Iterable[float], part: float) -> float:
    """The value that this part of all does not exceed: 0.99 for the 99th percentile."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def turnarounds_s(rings: Iterable[Rang], slots: int, ended: tuple[float, float] = (0, math.inf)) -> list[float]:
    """From the end of a call to the dial that its slot was given to: with a constant backlog the nth dial after the
    slots were full belongs to the nth end. Of those that `ended` between these two instants."""
    rings = list(rings)
    starts = sorted(ring.at for ring in rings)[slots:]
    ends = sorted(ring.ended_at for ring in rings if ring.ended_at is not None)
    since, until = ended
    return [start - end for start, end in zip(starts, ends, strict=False) if since <= end <= until]


def _family_cpu_s(parent: int) -> float:
    """Seconds of CPU of a living process and its children. One of these may end at any moment, and is left out then."""
    total = cpu_s(parent)
    for child in map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()):
        with suppress(FileNotFoundError, ProcessLookupError):
            total += cpu_s(child)
    return total


def _at(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()
