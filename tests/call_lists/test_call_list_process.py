"""`campaignd import` as a process of its own: what it takes, and what is left when it is killed."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from import_ledger import Ledger, numbers

from actors.ids import new_id
from tests.waiting import wait_until
from tests.world import as_service

ROOT = Path(__file__).resolve().parents[2]
ListOf = Callable[..., Path]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(ledger: Ledger, tmp_path: Path) -> Iterator[Start]:
    """Starts `campaignd import` on the ledger's database."""
    (tmp_path / "campaigns.d").mkdir()
    config = tmp_path / "campaignd.toml"
    config.write_text(f'[database]\ndsn = "{as_service(ledger.dsn)}"\n')
    started: list[subprocess.Popen[str]] = []

    def run(campaign: object, path: Path, *options: object) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "supervisor", "import", "--config", config, campaign, path, *options]
        process = subprocess.Popen(
            list(map(str, words)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_an_import_that_is_killed_in_the_middle_of_a_copy_leaves_nothing(
    ledger: Ledger, start: Start, tmp_path: Path, list_of: ListOf
) -> None:
    campaign, out = ledger.campaign(), tmp_path / "rejects.xlsx"
    path = list_of("phone_number\n" + "\n".join(numbers(20_000)))
    middle = numbers(1, start=15_000)[0]
    with psycopg.connect(ledger.dsn) as another:  # adds a contact of the list; the copy waits there for its end
        another.execute(
            "INSERT INTO call_tasks (id, campaign_id, phone_number, created_at, updated_at)"
            " VALUES (%s, %s, %s, now(), now())",
            (new_id(), campaign, middle),
        )
        process = start(campaign, path, "--rejects", out)
        waiting = "SELECT tuples_processed FROM pg_stat_progress_copy JOIN pg_stat_activity USING (pid) WHERE %s"
        in_copy = "wait_event_type = 'Lock' AND application_name = 'campaignd command'"
        found = wait_until(lambda: ledger.connection.execute(waiting % in_copy).fetchone(), what="the copy to wait")
        assert found["tuples_processed"] == 15_000
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        another.rollback()
    backends = "SELECT FROM pg_stat_activity WHERE application_name = 'campaignd command'"
    wait_until(lambda: ledger.connection.execute(backends).rowcount == 0, what="its backend to end")
    assert not ledger.tasks(campaign) and ledger.row(campaign)["total_tasks"] == 0
    assert not list(out.parent.glob(f"*{out.name}*"))
    assert ledger.add(campaign, path).created == 20_000


def test_a_list_of_any_length_takes_hardly_more_memory(ledger: Ledger, start: Start, tmp_path: Path) -> None:
    peaks = []
    for rows in (1000, 50_000):
        path = tmp_path / f"{rows}.csv"
        path.write_text("phone_number,name,notes\n" + "".join(f"{n},Ann,{'x' * 200}\n" for n in numbers(rows)))
        said, _ = start(ledger.campaign(str(rows)), path).communicate()
        assert f"{rows} contacts added" in said
        peaks.append(int(re.findall(r"peak memory (\d+) MB", said)[0]))
    # 11 MB more were read, several times that as Python's rows. What grows is a dictionary of the numbers alone.
    assert peaks[1] - peaks[0] < 11, peaks
    assert peaks[1] < 150
