"""A whole small world for a test: configuration files, PostgreSQL, the simulated LiveKit and the real service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from actors.addresses import Address
from actors.clock import Clock
from supervisor.config.apply import Progress
from supervisor.config.load import load
from supervisor.config.secrets import Secrets
from supervisor.database.roles import SERVICE
from supervisor.reload import Result
from supervisor.service import Service
from supervisor.simulator import SimulatorThread
from tests.manual_clock import ManualClock
from tests.waiting import wait_until

TUESDAY = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
KEY, SECRET = "test", "a-secret-that-is-long-enough-for-sha256"
TOKEN = "a-token-of-the-tests"

_SERVICE = """
[service]
state_directory = "state"
[database]
dsn = "{dsn}"
[livekit]
url = "{livekit}"
[trunks.main]
livekit_trunk_id = "ST_main"
from_number = "+74951234567"
{trunk}
[companies.acme]
name = "Acme"
{company}
[companies.acme.skillbases.renewals]
agent_name = "renewals-agent"
[http]
listen = "127.0.0.1:0"
"""

_CAMPAIGN = """
name = "{slug}"
company = "acme"
skillbase = "renewals"
trunk = "{trunk}"
call_list = "lists/{slug}.csv"
{settings}
"""

_PATIENCE = "\n[call]\nagent_timeout_s = 60\n"
"""On a fast clock the usual patience with agents is a moment, which a busy machine takes easily."""


def as_service(dsn: str) -> str:
    """The DSN that stands in a service's file: the database as the role that may only read and write rows."""
    return make_conninfo(dsn, user=SERVICE)


class World:
    """Holds everything together; `start` and `stop` may be called in turn, as a process is started again."""

    def __init__(self, folder: Path, dsn: str, livekit: SimulatorThread, clock: Clock) -> None:
        self.folder, self.dsn, self.livekit, self.clock = folder, dsn, livekit, clock
        self.connection = psycopg.connect(dsn, autocommit=True)
        self._trunk = self._company = ""
        self._service: Service | None = None

    @property
    def service(self) -> Service:
        assert self._service is not None, "not started"
        return self._service

    def limit(self, *, trunk: str = "", company: str = "") -> None:
        """Lines of TOML for the trunk's and the company's table."""
        self._trunk, self._company = trunk, company

    def another_trunk(self, name: str) -> None:
        """Besides `main`."""
        self._trunk += f'\n[trunks.{name}]\nlivekit_trunk_id = "ST_{name}"\nfrom_number = "+74951234568"\n'

    def campaign(
        self,
        slug: str,
        numbers: Sequence[str],
        settings: str = "",
        *,
        priorities: Sequence[int] = (),
        trunk: str = "main",
    ) -> None:
        """A campaign's file and its list."""
        for name in ("campaigns.d", "lists"):
            (self.folder / name).mkdir(exist_ok=True)
        text = _CAMPAIGN.format(slug=slug, settings=settings, trunk=trunk) + ("" if "[call]" in settings else _PATIENCE)
        (self.folder / "campaigns.d" / f"{slug}.toml").write_text(text)
        self.call_list(slug, numbers, priorities)

    def call_list(self, slug: str, numbers: Sequence[str], priorities: Sequence[int] = ()) -> Path:
        """The campaign's list, written anew."""
        path = self.folder / "lists" / f"{slug}.csv"
        rows = (
            f"{number},{priority}" for number, priority in zip(numbers, priorities or [0] * len(numbers), strict=True)
        )
        path.write_text("phone_number,priority\n" + "\n".join(rows) + "\n")
        return path

    def start(self, progress: Progress = lambda slug, done, total: None) -> None:
        """Start the service with the files as they are; returns when it is ready."""
        file = self._write_service_file()
        secrets = Secrets(livekit_api_key=KEY, livekit_api_secret=SECRET, http_token=TOKEN)
        self._service = Service(load(file), secrets, as_service(self.dsn), self.clock, lease=timedelta(hours=1))
        self._service.start(lambda url: self.livekit.set_webhook_url(f"{url}/webhooks/livekit"), progress)

    def advance(self, by: timedelta) -> None:
        """Move the clock on, where it is one that stands still until it is moved."""
        assert isinstance(self.clock, ManualClock)
        self.clock.advance(by)

    def reload(self) -> Result:
        """Have the service read its files again, as SIGHUP does."""
        self._write_service_file()
        return self.service.reload()

    def _write_service_file(self) -> Path:
        file = self.folder / "campaignd.toml"
        (self.folder / "campaigns.d").mkdir(exist_ok=True)
        file.write_text(
            _SERVICE.format(
                dsn=as_service(self.dsn), livekit=self.livekit.url, trunk=self._trunk, company=self._company
            )
        )
        return file

    def stop(self) -> None:
        if self._service is not None:
            service, self._service = self._service, None
            service.stop()

    def close(self) -> None:
        self.stop()
        self.connection.close()

    def row(self, slug: str) -> dict[str, Any]:
        """The campaign's row."""
        (row,) = self.read("SELECT * FROM campaigns WHERE slug = %s", slug)
        return row

    def read(self, query: LiteralString, *values: Any) -> list[dict[str, Any]]:
        """Rows of the database, as dictionaries."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()

    def id(self, slug: str) -> UUID:
        campaign_id: UUID = self.row(slug)["id"]
        return campaign_id

    def tasks(self, slug: str) -> list[dict[str, Any]]:
        """The campaign's tasks, in the order of its list."""
        return self.read("SELECT * FROM call_tasks WHERE campaign_id = %s ORDER BY created_at", self.id(slug))

    def calls(self, slug: str) -> list[dict[str, Any]]:
        """The campaign's calls, in the order in which they were claimed."""
        return self.read("SELECT * FROM calls WHERE campaign_id = %s ORDER BY id", self.id(slug))

    def wait_for_status(self, slug: str, status: str, timeout_s: float = 20) -> None:
        wait_until(lambda: self.row(slug)["status"] == status, timeout_s, f"{slug} to be {status}")

    def tell(self, address: Address, message: object) -> None:
        assert self.service.directory.tell(address, message), f"nobody lives at {address}"

    def check_ledger(self) -> None:
        """What holds at rest, whatever happened: every attempt rang at most once, is one call, and is counted."""
        rooms = [ring.room for ring in self.livekit.rings()]
        assert len(rooms) == len(set(rooms)), "an attempt rang twice"
        wrong = self.connection.execute(
            "SELECT slug FROM campaigns c WHERE (total_tasks, completed_tasks, failed_tasks) <>"
            " (SELECT count(*), count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'failed')"
            "  FROM call_tasks t WHERE t.campaign_id = c.id)"
        ).fetchall()
        assert not wrong, "counters differ from the tasks"
        wrong = self.connection.execute(
            "SELECT t.id FROM call_tasks t WHERE attempt_count <>"
            " (SELECT count(*) FROM calls WHERE task_id = t.id AND counts)"
        ).fetchall()
        assert not wrong, "attempts differ from the calls"
