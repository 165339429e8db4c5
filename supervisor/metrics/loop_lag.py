"""How late the event loop is: what blocks it delays every webhook and every dial."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

EVERY_S = 0.25


async def watch_loop(called_back: Callable[[float], None]) -> None:
    """Until cancelled: ask the running loop to call back, and tell by how many seconds it was late."""
    loop = asyncio.get_running_loop()
    while True:
        asked_for = loop.time() + EVERY_S
        await asyncio.sleep(EVERY_S)
        called_back(max(loop.time() - asked_for, 0.0))
