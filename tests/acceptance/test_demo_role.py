"""The demo, whose service may change no table."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg

from supervisor.config.load import load
from supervisor.database.account import temporary_folder
from supervisor.database.connect import embedded_directory
from supervisor.database.embedded import running_server
from supervisor.database.roles import OWNER, SERVICE
from supervisor.demo.run import Moment, run_demo


class Witness:
    """Sees, while the demo runs, as whom its sessions are logged in and to whom its tables belong."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.users: set[tuple[str, str]] = set()
        self.owners: set[str] = set()

    def tell(self, what: str) -> None:
        pass

    def show(self, moment: Moment) -> None:
        dsn = running_server(embedded_directory(load(self._folder / "config" / "campaignd.toml")))
        assert dsn is not None
        with psycopg.connect(dsn, autocommit=True) as connection:
            self.users |= set(
                connection.execute(
                    "SELECT application_name, usename::text FROM pg_stat_activity"
                    " WHERE application_name ~ '^campaignd' AND usename IS NOT NULL"  # NULL: it is still logging in
                ).fetchall()
            )
            owners = connection.execute(
                "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            )
            self.owners |= {owner for (owner,) in owners}


def test_the_whole_demo_runs_under_the_service_role() -> None:
    with temporary_folder() as folder:
        witness = Witness(folder)
        never = threading.Event()
        ended = run_demo(contacts=9, speed=300, keep=folder, stop=never, hurry=never, audience=witness)
    assert {campaign.summary.status for campaign in ended.report.campaigns} == {"completed"}
    assert {"campaignd", "campaignd listener", "campaignd demo"} <= {name for name, _ in witness.users}
    assert {user for _, user in witness.users} == {SERVICE}
    assert witness.owners == {OWNER}
