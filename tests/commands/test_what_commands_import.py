"""What the process of a command imports, by which it is quick to start: counted, since time depends on the machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = {
    "aiohttp",
    "holidays",
    "jinja2",
    "livekit",
    "openpyxl",
    "phonenumbers",
    "psycopg",
    "pyarrow",
    "pydantic",
    "python_calamine",
    "rich",
    "rphonenumbers",
    "structlog",
    "yoyo",
}
"""Packages that take long to import."""


def slow_imports(statements: str) -> set[str]:
    """Which of the slow packages are there after these, in a process of its own."""
    end = "import atexit, sys; atexit.register(lambda: sys.stderr.write(' '.join(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", f"{end}\n{statements}"], check=True, capture_output=True, text=True)
    return SLOW & set(done.stderr.split())


def test_help_imports_nothing_slow() -> None:
    assert slow_imports("sys.argv[1:] = ['--help']; from supervisor.__main__ import main; main()") == set()


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        ("check", {"pydantic"}),
        ("simulate_livekit", {"aiohttp", "livekit"}),
        ("start", {"psycopg", "pydantic"}),
        ("run", {"aiohttp", "livekit", "psycopg", "pydantic", "rich", "rphonenumbers", "structlog"}),
    ],
)
def test_a_command_imports_only_what_it_cannot_do_without(command: str, needed: set[str]) -> None:
    assert slow_imports(f"import supervisor.commands.{command}") == needed


def test_files_that_name_no_region_country_or_dsn_are_checked_without_what_those_need() -> None:
    read = "from supervisor.config.service import ServiceFile; ServiceFile.model_validate({})"
    assert slow_imports(read) == {"pydantic"}
