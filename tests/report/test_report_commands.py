"""`campaignd status` and `campaignd report`, as they are run."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from tests.world import as_service

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def campaignd(connection: psycopg.Connection[Any], dsn: str, tmp_path: Path) -> Run:
    """Runs a command on the ledger's database."""
    (tmp_path / "campaigns.d").mkdir()
    config = tmp_path / "campaignd.toml"
    config.write_text(f"[database]\ndsn = {json.dumps(as_service(dsn))}\n")

    def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "supervisor", *arguments, "--config", str(config)]
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.run(command, text=True, encoding="utf-8", check=False, **streams)

    return run


def test_status(campaignd: Run) -> None:
    text = campaignd("status")
    assert (text.returncode, text.stderr) == (0, "")
    assert [line.split()[0] for line in text.stdout.splitlines()[2:4]] == ["autumn", "spring"]
    printed = json.loads(campaignd("status", "--json").stdout)
    assert [campaign["status"] for campaign in printed["campaigns"]] == ["completed", "paused", "draft"]


def test_a_report_as_table_and_json(campaignd: Run, tmp_path: Path) -> None:
    table = campaignd("report", "spring")
    assert (table.returncode, table.stderr) == (0, "")
    assert "Attempts per contact reached" in table.stdout
    (campaign,) = json.loads(campaignd("report", "Spring renewals", "--format", "json").stdout)["campaigns"]
    assert (campaign["slug"], campaign["analytics"]["attempts"]) == ("spring", 5)
    assert campaignd("report", "--company", "acme", "--out", str(tmp_path / "acme.json")).stdout == ""
    assert json.loads((tmp_path / "acme.json").read_text())["company"]["slug"] == "acme"


def test_csv_in_a_pipe_has_no_byte_order_mark_whatever_the_locale(campaignd: Run) -> None:
    printed = campaignd("report", "spring", "--format", "csv", env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert printed.stdout.startswith("campaign,")
    assert "Анна" in printed.stdout
    assert len(printed.stdout.splitlines()) == 7


def test_the_name_of_the_file_says_its_format(campaignd: Run, tmp_path: Path) -> None:
    assert campaignd("report", "spring", "--out", str(tmp_path / "spring.xlsx")).returncode == 0
    assert load_workbook(tmp_path / "spring.xlsx").sheetnames[0] == "Summary"
    assert campaignd("report", "--company", "acme", "--format", "parquet", "--out", str(tmp_path / "acme")).stderr == ""
    assert pq.read_table(tmp_path / "acme" / "tasks.parquet").num_rows == 7


def test_a_progress_bar_is_shown_on_a_terminal_only(campaignd: Run, tmp_path: Path) -> None:
    out = str(tmp_path / "spring.csv")
    assert campaignd("report", "spring", "--out", out).stderr == ""
    ours, theirs = pty.openpty()
    try:
        assert (
            campaignd("report", "spring", "--out", out, stderr=theirs, env=os.environ | {"TERM": "xterm"}).returncode
            == 0
        )
        assert b"6/6" in os.read(ours, 10_000)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report"], "Name a campaign, or a company with --company."),
        (["report", "spring", "--company", "acme"], "Name a campaign, or a company with --company."),
        (["report", "spring", "--format", "xlsx"], "--format xlsx needs --out FILE."),
        (["report", "--company", "nobody"], "campaignd: Company nobody not found"),
        (["report", "nothing"], "campaignd: No campaign with the slug, id or name 'nothing'"),
    ],
)
def test_wrong_input_is_said_in_one_line_with_exit_code_2(campaignd: Run, arguments: list[str], said: str) -> None:
    refused = campaignd(*arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.splitlines()[-1].endswith(said)


def test_a_place_that_cannot_be_written_is_exit_code_1(campaignd: Run, tmp_path: Path) -> None:
    failed = campaignd("report", "spring", "--out", str(tmp_path / "none" / "spring.csv"))
    assert (failed.returncode, len(failed.stderr.splitlines())) == (1, 1)
    assert "No such file or directory" in failed.stderr
