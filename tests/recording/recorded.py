"""A world whose campaigns record their calls: its files, and what is known of each recording."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from supervisor.simulator import Answer
from tests.waiting import wait_until
from tests.world import World

NUMBERS = [f"+7945000000{n}" for n in range(4)]
TALK = {number: Answer(ring_s=1, talk_s=120) for number in NUMBERS}
"""Four who answer, and talk for a while."""


class RecordedWorld:
    """A world around one store."""

    def __init__(self, world: World, store: Path) -> None:
        self.world, self.store = world, store
        self.livekit = world.livekit

    def settle(self, recordings: str = "", company: str = "") -> None:
        """Lines of TOML for the company's table, and for [recordings]."""
        self.world.limit(company=f'{company}\n[recordings]\nstore = "{self.store.as_uri()}"\n{recordings}')

    def call(self, numbers: Sequence[str] = NUMBERS, settings: str = "[recording]\nenabled = true") -> None:
        """Call everybody once, and wait until the campaign is over."""
        self.livekit.set_script(TALK)
        self.world.campaign("spring", numbers, settings)
        self.world.start()
        self.world.wait_for_status("spring", "completed", 60)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.world.read("SELECT * FROM recordings ORDER BY id")

    def wait_for_state(self, *states: str, count: int = len(NUMBERS), timeout_s: float = 60) -> list[dict[str, Any]]:
        """All recordings, once there are so many and each has one of these states."""
        rows: list[dict[str, Any]] = wait_until(
            lambda: len(self.rows) == count and all(row["state"] in states for row in self.rows) and self.rows,
            timeout_s,
            f"{count} recordings to be {states}, not {[(r['state'], r['error_message']) for r in self.rows]}",
        )
        return rows

    def files(self, folder: str = "") -> set[str]:
        """Every file in the store, or in a folder of it, under its name there."""
        return {str(path.relative_to(self.store)) for path in (self.store / folder).rglob("*") if path.is_file()}
