"""What a line of the log looks like: for people, for machines, and in systemd's journal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from actors.numbers import masked
from supervisor.journal import goes_to_journal

SCRIPT = """
import logging, sys, threading, warnings
import structlog
from supervisor.logs import log_what_nobody_caught, set_up_logs
set_up_logs("debug", sys.argv[1])
log_what_nobody_caught()
bound = structlog.get_logger().bind(actor="dialer:1")
bound.debug("first_thing", number="+79991112233")
bound.info("second_thing", list=["to +7 999 111-22-33"], note="two\\nlines")
bound.warning("third_thing")
try:
    raise ValueError("no +79991112233\\nin two lines")
except ValueError as error:
    bound.error("fourth_thing", exc_info=error)
    logging.getLogger("asyncio").exception("Task of %s failed", "+79991112233")
warnings.warn("of +79991112233", RuntimeWarning)
thread = threading.Thread(target=lambda: 1 / 0, name="a-thread")
thread.start()
thread.join()
set_up_logs("error", sys.argv[1])
bound.warning("never_seen")
raise LookupError("at the end, +79991112233")
"""
DEATH = """
import sys
from supervisor.logs import messages_logged, set_up_logs
from tests.tree.people import CHILD, Life, Tree
from tests.waiting import wait_until
set_up_logs("debug", "json")
tree = Tree()
parent = tree.registrar()
actor = tree.alone(Life(sys.argv[1], ValueError("of +79991112233")))
if sys.argv[1] != "started":
    actor.tell("anything") if sys.argv[1] == "receive" else actor.stop(block=False)
wait_until(lambda: parent.told and not actor.is_alive())
sys.exit(messages_logged()["error"])
"""
PRIORITIES = [7, 6, 4, 3, 3, 4, 2, 2]


def lines(form: str, *, journal: bool) -> list[str]:
    """What the script logs."""
    said = said_by("-c", SCRIPT, form, journal=journal)
    assert "9991112233" not in said and "111-22-33" not in said and "never_seen" not in said
    assert "\x1b" not in said, "colours"
    return said.splitlines()


def said_by(*arguments: str, journal: bool, ends_with: int = 1) -> str:
    """What a Python process says to a pipe that systemd has given it for the journal, or to any other."""
    reading, writing = os.pipe()
    found = os.fstat(writing)
    inode = found.st_ino if journal else found.st_ino + 1
    environment = os.environ | {"JOURNAL_STREAM": f"{found.st_dev}:{inode}"}
    with subprocess.Popen([sys.executable, *arguments], stderr=writing, env=environment) as process:
        os.close(writing)
        with open(reading, encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor
            said = pipe.read()
    assert process.returncode == ends_with
    return said


@pytest.mark.parametrize("journal", [True, False])
def test_json_is_one_object_a_line_whatever_is_logged(journal: bool) -> None:
    said = lines("json", journal=journal)
    if journal:
        assert [line[:3] for line in said] == [f"<{priority}>" for priority in PRIORITIES]
        said = [line[3:] for line in said]
    entries = [json.loads(line) for line in said]
    assert all({"event", "level", "timestamp"} <= entry.keys() for entry in entries)
    levels = ["debug", "info", "warning", "error", "error", "warning", "critical", "critical"]
    assert [entry["level"] for entry in entries] == levels
    assert entries[0] | {"timestamp": ""} == {
        "event": "first_thing", "level": "debug", "actor": "dialer:1", "number": "+7999***2233", "timestamp": ""
    }  # fmt: skip
    assert entries[1]["note"] == "two\nlines"
    assert entries[3]["exception"][0]["exc_value"] == "no +7999***2233\nin two lines"
    assert entries[4]["event"] == "Task of +7999***2233 failed"
    assert [entry["event"] for entry in entries[-2:]] == ["thread_crashed", "process_crashed"]


def test_text_in_the_journal_is_an_entry_each_with_its_priority_and_no_time() -> None:
    said = lines("text", journal=True)
    assert [line[:3] for line in said] == [f"<{priority}>" for priority in PRIORITIES]
    assert "first_thing" in said[0] and said[0][3:].startswith("[debug")
    assert "Traceback (most recent call last): | File" in said[3]
    assert said[3].endswith("ValueError: no +7999***2233 | in two lines")


def test_text_elsewhere_has_its_time_and_tracebacks_as_people_know_them() -> None:
    said = lines("text", journal=False)
    assert len(said) > len(PRIORITIES)
    assert said[0].startswith("20") and "Z [debug" in said[0]
    assert "Traceback (most recent call last):" in said


@pytest.mark.parametrize("point", ["started", "receive", "stopped"])
def test_an_actors_death_is_one_error_with_its_address_and_its_traceback(point: str) -> None:
    said = said_by("-c", DEATH, point, journal=False, ends_with=1).splitlines()
    (death,) = [entry for line in said if (entry := json.loads(line))["level"] == "error"]
    assert (death["event"], death["actor"]) == ("actor_died", "child")
    assert death["error"] == "ValueError: of +7999***2233"
    assert death["exception"][0]["exc_value"] == "of +7999***2233"
    assert death["exception"][0]["frames"]


def test_why_it_did_not_start_is_an_error_in_the_journal(tmp_path: Path) -> None:
    file = tmp_path / "campaignd.toml"
    file.write_text("[database]\npool_size = 0\n[logging]\nlevel = 'loud'\n")
    command = ("-m", "supervisor", "run", "--config", str(file))
    said = said_by(*command, journal=True, ends_with=2).splitlines()
    assert len(said) > 1 and all(line.startswith("<3>") for line in said)
    assert said_by(*command, journal=False, ends_with=2).splitlines() == [line[3:] for line in said]


def test_standard_error_that_was_redirected_is_not_the_journal() -> None:
    with open(os.devnull, "w", encoding="utf-8") as elsewhere:  # noqa: PTH123 - no file to speak of
        found = os.fstat(elsewhere.fileno())
        assert goes_to_journal(elsewhere, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"})
        assert not goes_to_journal(elsewhere, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino + 1}"})
        assert not goes_to_journal(elsewhere, {"JOURNAL_STREAM": "nonsense"})
        assert not goes_to_journal(elsewhere, {})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to +79991112233, twice +79991112233", "to +7999***2233, twice +7999***2233"),
        ("sip:+79991112233@host", "sip:+7999***2233@host"),
        ("GET /leads?number=%2B79991112233", "GET /leads?number=+7999***2233"),
        ("(+7 (999) 111-22-33)", "(+7999***2233)"),
        ("Key (campaign_id, phone_number)=(c0, +442079460000)", "Key (campaign_id, phone_number)=(c0, +4420***0000)"),
        ("79991112233", "7999***2233"),
        ("tel:0079991112233.", "tel:00799***2233."),
    ],
)  # fmt: skip
def test_what_looks_like_a_number_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01T00:00:00.123456+03:00", "01a217aa-a604-7024-b567-602762020060", "sip status: 480", "+03:00",
        "127.0.0.1:54321", "7399552310482948123-16384", "EG_1234567890123", "0.1234567890123 s", "line 1234567",
    ],
)  # fmt: skip
def test_times_ids_and_addresses_stay_as_they_are(text: str) -> None:
    assert masked(text) == text
