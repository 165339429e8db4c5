"""The page in a real browser. What it looked like is kept: in the folder CAMPAIGND_ARTIFACTS, else build/artifacts."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from supervisor.database.pool import open_pool
from supervisor.http.database import Database
from supervisor.tree.loop import LoopThread
from tests.http.conftest import serving
from tests.http.site import Site
from tests.machine import program
from tests.overview.scene import NOW, Scene

ARTIFACTS = Path(os.environ.get("CAMPAIGND_ARTIFACTS") or Path(__file__).parents[2] / "build" / "artifacts")
DESKTOP, PHONE = (1280, 1500), (500, 2600)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--enable-logging=stderr",
)  # fmt: skip
LONG = "A name that somebody wrote without a thought of whoever reads it on a telephone " * 3
EVIL = "<script>document.title = 'taken over'</script>"


def nothing(scene: Scene) -> None:
    """As on the first day."""


def busy(scene: Scene) -> None:
    """Calls of all outcomes for a day, an open breaker, and names that nobody would wish for."""
    scene.service()
    spring = scene.campaign("spring", total_tasks=900, completed_tasks=400, failed_tasks=30, max_concurrent_calls=12)
    long = scene.campaign("long", name=LONG, total_tasks=50, completed_tasks=50, calls_per_minute=60)
    held = scene.campaign("held", "other", name=EVIL, status="paused", status_message="Trunk main is failing")
    scene.hold(held, "breaker:trunk:main")
    outcomes = ("answered", "answered", "voicemail", "no_answer", "busy", "error")
    for number in range(300):
        begun = 2 + number * 4.7
        said = {"error_message": "SIP 503 Service Unavailable"} if number % 6 == 5 else {}
        scene.call((spring, long)[number % 2], begun, begun - 1.5, outcomes[number % 6], **said)
    for number in range(9):
        scene.call(spring, number / 10)
    scene.breaker("trunk:main", "open", "SIP 503 Service Unavailable from carrier.example")


def fifty_campaigns(scene: Scene) -> None:
    """Hundreds are usual."""
    for number in range(50):
        scene.campaign(f"campaign{number:02}", total_tasks=100, completed_tasks=2 * number)


@pytest.fixture
def open_site(loop: LoopThread, dsn: str) -> Iterator[Site]:
    """Without a token, at the scene's time."""
    with open_pool(dsn, 4) as pool:
        yield from serving(Site(database=Database(pool, dsn), token=None, now=NOW), loop)


@pytest.mark.parametrize(
    ("what", "size", "dark"),
    [(nothing, DESKTOP, False), (busy, DESKTOP, False), (busy, PHONE, True), (fifty_campaigns, DESKTOP, True)],
    ids=["nothing yet", "busy", "busy on a dark phone", "fifty campaigns"],
)
def test_a_browser_shows_the_page_as_it_is_meant(
    what: Callable[[Scene], None], size: tuple[int, int], dark: bool, open_site: Site, dsn: str, tmp_path: Path
) -> None:
    chromium = program("chromium")
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    picture = ARTIFACTS / f"page-{what.__name__}-{size[0]}{'-dark' if dark else ''}.png"
    picture.unlink(missing_ok=True)
    with psycopg.connect(dsn, autocommit=True) as connection:
        what(Scene(connection))
        colours = ("--blink-settings=preferredColorScheme=0",) if dark else ()
        looked = subprocess.run(
            [
                chromium, *FLAGS, *colours, f"--user-data-dir={tmp_path / 'profile'}",
                f"--window-size={size[0]},{size[1]}", f"--screenshot={picture}", "--dump-dom", open_site.url,
            ],
            capture_output=True, text=True, check=True, timeout=100,
        )  # fmt: skip
    assert struct.unpack(">II", picture.read_bytes()[16:24]) == size
    assert "Content Security Policy" not in looked.stderr, "the page asks for what it forbids"
    page = looked.stdout
    assert page.count("<svg") >= 2 and "<script" not in page and "taken over" not in page.partition("</title>")[0]
    if what is busy:
        assert "<title>campaignd – a service fails</title>" in page
        assert "9 calls in progress" in page and "&lt;script&gt;" in page
    if what is nothing:
        assert "None yet." in page
