"""One event name for each fact: what the source logs, read as a syntax tree."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent.parent
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}

SAME_FACT = {
    "call_list_not_imported": "for whatever reason: the log has it",
    "download_interrupted": "its worker died here, or with another process",
    "http_request_failed": "500 was answered, whatever was raised",
    "notification_not_understood": "of an unknown kind, or with no id in it",
    "room_not_deleted": "LiveKit refused, or did not answer",
    "simulator_failed": "in a timer or in a task",
    "stopped": "in order, before or after it was ready",
    "worker_picked": "something to do; job_type says what",
}
"""Names that stand in several places on purpose → what they have in common."""


def events(source: str) -> Iterator[tuple[int, str | None]]:
    """Each event that is logged, with its line; None where its name is not written there."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in LEVELS:
            continue
        logger = ast.unparse(node.func.value)
        if not re.search(r"(^|[._])log(ger)?$|get_logger\(.*\)$|[Ll]ogger\(.*\)$|_log\(.*\)$", logger):
            continue
        name = node.args[0] if node.args else None
        yield node.lineno, name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else None


@pytest.fixture(scope="module")
def logged() -> dict[str | None, list[str]]:
    """Every event → where it is logged."""
    found: dict[str | None, list[str]] = defaultdict(list)
    for path in sorted((*(HOUSE / "actors").rglob("*.py"), *(HOUSE / "supervisor").rglob("*.py"))):
        if "_shipped" not in path.parts:
            for line, name in events(path.read_text(encoding="utf-8")):
                found[name].append(f"{path.relative_to(HOUSE)}:{line}")
    return found


def test_events_are_seen(logged: dict[str | None, list[str]]) -> None:
    """Else the tests below would hold for want of events."""
    assert len(logged) > 40
    assert {"service_ready", "call_ended", "listener_lost", "download_failed", "migrations_skipped"} <= logged.keys()
    source = "log.info('a')\nself._log(x).error(f'b')\nstructlog.get_logger().warning('c')\nparser.error('no event')"
    assert sorted(events(source), key=str) == [(1, "a"), (2, None), (3, "c")]


def test_every_name_is_written_where_it_is_logged(logged: dict[str | None, list[str]]) -> None:
    assert not logged.get(None)


def test_every_name_is_in_snake_case(logged: dict[str | None, list[str]]) -> None:
    wrong = {name: at for name, at in logged.items() if name and not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)}
    assert not wrong


def test_a_name_stands_for_one_fact(logged: dict[str | None, list[str]]) -> None:
    several = {name: at for name, at in logged.items() if name and len(at) > 1}
    assert {name: at for name, at in several.items() if name not in SAME_FACT} == {}
    assert SAME_FACT.keys() - several.keys() == set(), "said to be in several places, and is not"
