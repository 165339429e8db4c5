"""`campaignd recordings`: what it prints, and that what failed is tried again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actors.recording.rules import Rules
from supervisor.cli import campaignd
from tests.manual_clock import ManualClock
from tests.recording.shelf import Fetcher, Shelf, Source
from tests.waiting import wait_until
from tests.world import TUESDAY, as_service

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, dsn: str) -> Run:
    config = tmp_path / "campaignd.toml"
    config.write_text(f'[database]\ndsn = "{as_service(dsn)}"\n')
    (tmp_path / "campaigns.d").mkdir()

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(campaignd, ["recordings", *arguments, "--config", str(config)])

    return command


def test_a_failed_recording_is_shown_with_its_reason_and_tried_again_when_asked(
    shelf: Shelf, run: Run, tmp_path: Path
) -> None:
    (call,) = shelf.add(shelf.company("acme"), [b"a recording"])
    (other,) = shelf.add(shelf.company("other"), [b"another"])
    broken = True
    clock = ManualClock(TUESDAY)
    source = Source(shelf, lambda call, nth: "refused" if broken else None)
    fetcher = Fetcher(shelf, source.open, clock, rules=Rules(attempts=1))
    fetcher.start()
    wait_until(lambda: shelf.states()["failed"] == 2)
    fetcher.stop_actor()
    shown = json.loads(run("list", "--json").output)["recordings"]
    assert [recording["call_id"] for recording in shown] == [str(call), str(other)]
    assert (shown[0]["state"], shown[0]["error"]) == ("failed", "OSError: the source is busy")
    (line,) = run("list", "--company", "acme", "--state", "failed").output.splitlines()
    assert str(call) in line and line.endswith("OSError: the source is busy")

    again = run("retry", "--company", "acme", "--json")
    assert json.loads(again.output) == {"recordings": 1, "transcripts": 0}
    assert shelf.recording(other)["state"] == "failed"
    broken = False
    shelf.connection.execute("UPDATE recordings SET next_attempt_at = %s WHERE state = 'pending'", (clock.now(),))
    fetcher.start()
    wait_until(lambda: shelf.recording(call)["state"] == "stored")
    assert "1 recordings" in run("retry").output
    fetcher.close()


def test_a_company_that_is_not_there_is_named(run: Run) -> None:
    refused = run("list", "--company", "nobody")
    assert "Company nobody not found" in str(refused.exception)


def test_status_counts_recordings_and_says_why_some_failed(shelf: Shelf, tmp_path: Path, run: Run) -> None:
    shelf.add(shelf.company("acme"), [b"a recording"] * 2)
    shelf.connection.execute(
        "UPDATE recordings SET state = 'failed', error_message = 'no luck'"
        " WHERE id = (SELECT id FROM recordings ORDER BY id LIMIT 1)"
    )
    config = str(tmp_path / "campaignd.toml")
    printed = CliRunner().invoke(campaignd, ["status", "--config", config]).output.splitlines()
    assert "acme: 1 recordings failed (the latest: no luck)" in printed
    shown = json.loads(CliRunner().invoke(campaignd, ["status", "--json", "--config", config]).output)
    assert [(tally["state"], tally["count"]) for tally in shown["recordings"]] == [("failed", 1), ("pending", 1)]
