"""The overview on terminals of all sizes."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from supervisor.overview.screen import Screen
from tests.overview.scene import Scene


def busy(scene: Scene) -> Screen:
    """Much to be shown, and a breaker that is open."""
    for number in range(30):
        campaign = scene.campaign(
            f"campaign{number:02}", total_tasks=100, completed_tasks=number, max_concurrent_calls=5
        )
    for outcome in ("answered", "busy", "no_answer", "error"):
        scene.call(campaign, 20, 19, outcome, error_message="it failed " * 30)
    scene.campaign("zz-long", name="A name of many words " * 12, status="paused", status_message="because " * 50)
    scene.breaker("trunk:main", "open", "SIP 503 Service Unavailable")
    scene.service()
    return Screen(scene.overview())


def shown(screen: Screen, width: int, height: int, encoding: str = "utf-8") -> list[str]:
    file = StringIO()
    console = Console(
        file=file, width=width, height=height, force_terminal=True, color_system=None, legacy_windows=False
    )
    console.print(screen, end="")
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 80, 100, 140, 250])
def test_it_fits_the_terminal_and_says_what_it_leaves_out(scene: Scene, width: int) -> None:
    screen = busy(scene)
    for height in (8, 15, 24, 40, 80):
        lines = shown(screen, width, height)
        assert len(lines) <= height
        assert max(map(cell_len, lines)) <= width
        assert "trunk:main" in "\n".join(lines), "what is wrong is shown first"
        assert height not in (15, 24, 40) or "more line" in "\n".join(lines)


def test_everything_is_there_when_there_is_room(scene: Scene) -> None:
    text = "\n".join(shown(busy(scene), 160, 100))
    for part in (
        "campaign29", "29/100", "0 of 5 now", "trunk:main", "since 09:15:00 (5 min), next try 09:21:00", "SIP 503",
        "acme", "0 of 30 now", "no_answer", "calls: error", "dialer1", "zz-long", "paused",
    ):  # fmt: skip
        assert part in text, part
    assert "more line" not in text


def test_a_name_can_not_command_the_terminal(scene: Scene) -> None:
    scene.campaign("evil", name="x\x1b]0;title\x07\x1b[2J", status="paused", status_message="\x1b[31m[red]y")
    text = "\n".join(shown(Screen(scene.overview()), 120, 40))
    assert "\x1b" not in text and "\x07" not in text
    assert "[red]y" in text


def test_a_terminal_without_a_service_says_that_nobody_calls(scene: Scene) -> None:
    assert "no service is running on this database" in "\n".join(shown(Screen(scene.overview()), 80, 24))
