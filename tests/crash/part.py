"""What happens in a scene before everything that must hold is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.crash.scene import Scene


@dataclass(frozen=True)
class Part:
    """`act` has campaigns made, services started and killed, and returns when everything is at rest."""

    name: str
    act: Callable[[Scene], None]
    services: tuple[str, ...] = ("a",)
    calls_per_second: int = 20  # of the trunk
    long: bool = False  # so that it is begun first
    own_server: bool = False  # a PostgreSQL for it alone, to be killed
