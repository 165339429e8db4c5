"""How long a new process takes to have 1,000 calls in progress again, whose first process was killed.

    .venv/bin/python -m tests.measurements.takeover --calls 1000

Prints one line: seconds from the process's start until it is ready, until the first call and until the last is followed
again, beside how long the bare interpreter takes to import the service (for a ratio on the same machine).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from time import monotonic

from psycopg import connect
from psycopg.conninfo import make_conninfo

from supervisor.database.account import temporary_folder
from supervisor.database.embedded import EmbeddedPostgres
from supervisor.database.migrations import migrate
from supervisor.simulator import Answer
from tests.crash.contacts import contacts
from tests.crash.scene import Scene
from tests.waiting import wait_until


def measure(folder: Path, calls: int) -> str:
    """Kill a service with so many calls up, start the next, and tell the story in a line."""
    with EmbeddedPostgres(folder / "postgresql") as server:
        with connect(server.dsn, autocommit=True) as connection:
            connection.execute("CREATE DATABASE measured")
        dsn = make_conninfo(server.dsn, dbname="measured")
        migrate(dsn)
        with Scene(folder, dsn, calls_per_second=500) as scene:
            scene.campaign("spring", contacts(calls, [(Answer(ring_s=0.2, talk_s=600.0),)]), max_concurrent_calls=None)
            first = scene.ready()
            wait_until(lambda: scene.livekit.state()["calls_in_progress"] == calls, 120)
            wait_until(lambda: _answered(scene) == calls, 60)
            scene.kill(first)
            imports_s = _import_s()
            began = monotonic()
            second = scene.service()
            wait_until(lambda: "service_ready" in second.err, 60)
            ready_s = monotonic() - began
            wait_until(lambda: "call_taken_over" in second.err, 60)
            first_s = monotonic() - began
            wait_until(lambda: second.err.count("call_taken_over") == calls, 60)
            last_s = monotonic() - began
            assert scene.livekit.state()["calls_in_progress"] == calls, "somebody was hung up"
            assert len(scene.livekit.rings()) == calls
            scene.kill(second)
    return (
        f"{calls} calls: imports {imports_s:.2f} s, ready {ready_s:.2f} s, first call {first_s:.2f} s,"
        f" last call {last_s:.2f} s ({last_s / imports_s:.1f} times the imports)"
    )


def _answered(scene: Scene) -> int:
    return int(scene.read("SELECT count(*) AS n FROM calls WHERE state = 'answered'")[0]["n"])


def _import_s() -> float:
    began = monotonic()
    subprocess.run([sys.executable, "-c", "import supervisor.service"], check=True)
    return monotonic() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=1000)
    with temporary_folder() as made:
        print(measure(made, parser.parse_args().calls))
