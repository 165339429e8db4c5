"""Ctrl-C and SIGTERM end the demo at any moment, soon, and leave nothing behind."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from supervisor.database.embedded import running_server
from tests.acceptance.running import TRACEBACK, Running, of_folder
from tests.acceptance.terminal import Terminal
from tests.waiting import wait_until

SOON_S = 10
Moment = Callable[[Running], Path | None]


def at_once(demo: Running) -> None:
    """Python has hardly begun."""


def while_loading(demo: Running) -> None:
    """Modules are being imported; this one is among the first, and the largest are still to come."""
    wait_until(lambda: "pydantic_core" in Path(f"/proc/{demo.pid}/maps").read_text(), 20)


def while_postgresql_starts(demo: Running) -> Path:
    return demo.server_folder()


def while_calling(demo: Running) -> Path:
    folder = demo.server_folder()
    _wait_for_rows(folder, "SELECT FROM calls WHERE state = 'answered'")
    return folder


def at_the_report(demo: Running) -> Path:
    folder = demo.server_folder()
    _wait_for_rows(folder, "SELECT FROM campaigns HAVING count(*) = 3 AND bool_and(status = 'completed')")
    return folder


def test_the_demo_ends_soon_and_leaves_nothing_whenever_it_is_interrupted() -> None:
    cases: list[tuple[signal.Signals, Moment, tuple[int, ...]]] = [
        (signal.SIGINT, while_loading, (130,)),
        (signal.SIGINT, while_postgresql_starts, (130,)),
        (signal.SIGINT, at_the_report, (130, 0)),  # 0: it was said and done
        (signal.SIGTERM, at_once, (-signal.SIGTERM,)),
        (signal.SIGTERM, while_calling, (130,)),
        (signal.SIGHUP, while_calling, (130,)),
    ]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(_interrupt, *case) for case in cases]:
            done.result()


def test_ctrl_c_at_a_terminal() -> None:
    with Terminal("demo") as terminal:
        folder = while_calling(terminal.command)
        terminal.press(b"\x03")
        assert terminal.end(SOON_S) == 130
        assert TRACEBACK not in terminal.shown()
        _check_nothing_is_left(terminal.command, folder)


def _interrupt(number: signal.Signals, moment: Moment, codes: tuple[int, ...]) -> None:
    case = f"{number.name} {moment.__name__}"
    speed = 300 if moment is at_the_report else 60
    with Running("demo", "--contacts", 12, "--speed", speed) as demo:
        folder = moment(demo)
        demo.signal_group(number)
        code = demo.end(SOON_S)
        assert code in codes, f"{case}: {code}, {demo.err}"
        assert TRACEBACK not in demo.err, f"{case}: {demo.err}"
        assert demo.err in ("", "campaignd: interrupted\n"), case
        _check_nothing_is_left(demo, folder)


def _check_nothing_is_left(demo: Running, folder: Path | None) -> None:
    assert demo.session() == []
    if folder is not None:
        root = folder.parents[2]
        assert root.name.startswith("campaignd-demo-")
        assert of_folder(root) == []
        assert not root.exists()


def _wait_for_rows(folder: Path, query: str) -> None:
    dsn = wait_until(lambda: running_server(folder), 20, "PostgreSQL")

    def there() -> bool:
        try:
            return bool(connection.execute(query.encode()).fetchall())
        except psycopg.errors.UndefinedTable:
            return False

    with psycopg.connect(dsn, autocommit=True) as connection:
        wait_until(there, 30, query)
