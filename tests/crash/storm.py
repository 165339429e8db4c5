"""Random kills under load: two services, several campaigns, and nobody knows what dies next.

make crash ARGS="--minutes 5 --seed 7"
"""

from __future__ import annotations

import os
import random
import signal
import threading
from datetime import timedelta
from pathlib import Path
from time import monotonic

import click
from psycopg.conninfo import make_conninfo

from supervisor.database.account import temporary_folder
from supervisor.database.embedded import EmbeddedPostgres
from supervisor.database.migrations import migrate
from tests.acceptance.running import Running
from tests.crash.contacts import contacts
from tests.crash.promises import check
from tests.crash.scene import LEASE_S, Scene
from tests.crash.witness import add_witness

CAMPAIGNS = 5
AT_ONCE = 6
"""Calls of a campaign."""
CALLS_PER_MINUTE = 240
CONTACTS_PER_SECOND = 8
"""How long the lists are: about so many are called by the services that are left alive."""
_BEATEN = ("kill", "kill", "kill", "term", "freeze", "nap")


class Storm:
    """Does something to one service or the other at random moments, and starts what is gone. The same seed does the
    same things after the same pauses; what they meet is never the same."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self._scene = scene
        self._random = random.Random(seed)
        self._calm = threading.Event()
        self._services: dict[str, Running] = {}

    def rage(self, seconds: float) -> list[str]:
        """What was done, in its order."""
        scene, chance = self._scene, self._random
        deadline = monotonic() + seconds
        done = []
        self._services = {name: scene.service(name) for name in ("a", "b")}
        while monotonic() < deadline:
            self._wait(chance.uniform(0.2, 4.0))
            name, blow = chance.choice("ab"), chance.choice(_BEATEN)
            done.append(f"{blow} {name}")
            self._strike(name, blow)
        scene.wait_until_completed(*self._services.values(), timeout_s=120 + seconds)
        for service in self._services.values():
            scene.wait_until_ready(service)
            scene.stop(service)
        return done

    def _strike(self, name: str, blow: str) -> None:
        scene, service = self._scene, self._services[name]
        if blow in ("freeze", "nap"):
            os.kill(service.pid, signal.SIGSTOP)
            scene.died()
            self._wait(self._random.uniform(LEASE_S, 3 * LEASE_S) if blow == "freeze" else self._random.uniform(0, 1))
            os.kill(service.pid, signal.SIGCONT)
            scene.died()
            return
        if blow == "term":
            os.kill(service.pid, signal.SIGTERM)
            self._wait(self._random.uniform(0, 2))
        if blow == "kill" or not service.ended:
            scene.kill(service)
        else:
            assert service.end() in (0, -signal.SIGTERM), service.err  # it was done, or had hardly begun
        self._services[name] = scene.service(name)

    def _wait(self, seconds: float) -> None:
        """The one place of all tests that waits for a time and for nothing else."""
        self._calm.wait(seconds)


def weather(folder: Path, dsn: str, seconds: float, seed: int) -> list[str]:
    """A storm of this length, and everything that must hold after it; what was done."""
    with Scene(folder, dsn, services=("a", "b"), calls_per_second=50) as scene:
        each = int(seconds * CONTACTS_PER_SECOND / CAMPAIGNS) + 10
        for number in range(CAMPAIGNS):
            scene.campaign(
                f"c{number}",
                contacts(each, campaign=number),
                max_concurrent_calls=AT_ONCE,
                calls_per_minute=CALLS_PER_MINUTE,
            )
        done = Storm(scene, seed).rage(seconds)
        check(scene)
        return done


@click.command()
@click.option("--minutes", default=1.0, show_default=True, help="How long services are killed.")
@click.option("--seed", default=None, type=int, help="What is done, and after what pauses; default: a new one.")
def main(minutes: float, seed: int | None) -> None:
    """Kill services at random, then prove that nobody was called twice and nobody forgotten."""
    seed = random.SystemRandom().randrange(10_000) if seed is None else seed
    click.echo(f"seed {seed}, {timedelta(minutes=minutes)}", err=True)
    with temporary_folder() as folder, EmbeddedPostgres(folder / "postgresql") as server:
        dsn = make_conninfo(server.dsn)
        migrate(dsn)
        add_witness(dsn)
        done = weather(folder, dsn, minutes * 60, seed)
    click.echo(f"every promise holds after {len(done)} blows: {', '.join(done)}")


if __name__ == "__main__":
    main()
