"""The suite of benchmarks itself: what it compares, and what it says of what it has measured."""

from __future__ import annotations

import io
import json
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from tests.bench import __main__ as command
from tests.bench.comparing import commit, losses, read_committed
from tests.bench.conditions import Processor
from tests.bench.figures import Figure
from tests.bench.registry import BENCHMARKS
from tests.bench.running import Run
from tests.bench.showing import as_json, as_markdown, print_run

FAST = Figure("ledger", "against the limit", 0.8, "×", "higher", 0.6)
SLOW = Figure("ledger", "last tenth against the first", 1.5, "×", "lower", 1.3)
ABSOLUTE = Figure("ledger", "tasks", 20_000, "/s", "higher")


def figure(value: float, like: Figure) -> Figure:
    return Figure(like.bench, like.name, value, like.unit, like.better, like.target)


@pytest.mark.parametrize("module", BENCHMARKS.values())
def test_every_benchmark_that_is_listed_can_be_measured(module: str) -> None:
    assert callable(import_module(f"tests.bench.{module}").measure)


@pytest.mark.parametrize(
    ("now", "lost"),
    [
        (figure(0.8, FAST), False),
        (figure(0.65, FAST), False),
        (figure(0.63, FAST), True),
        (figure(5.0, FAST), False),
        (figure(1.85, SLOW), False),
        (figure(1.9, SLOW), True),
        (figure(0.1, SLOW), False),
        (figure(1.0, ABSOLUTE), False),
    ],
)
def test_only_a_ratio_that_is_a_fifth_worse_than_the_committed_one_is_a_loss(
    now: Figure, lost: bool, tmp_path: Path
) -> None:
    file = tmp_path / "committed.json"
    commit(Run(quick=False, figures=[FAST, SLOW, ABSOLUTE]), file)
    assert bool(list(losses([now], read_committed(False, file)))) is lost


def test_quick_runs_are_compared_with_quick_ones_and_a_part_of_the_suite_keeps_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "committed.json"
    commit(Run(quick=False, figures=[FAST]), file)
    assert read_committed(True, file) == {}
    commit(Run(quick=False, figures=[Figure("start", "help", 3, "×", "lower")]), file)
    assert read_committed(False, file) == {"ledger": {"against the limit": 0.8}, "start": {"help": 3}}


def test_of_several_runs_the_worse_ratios_can_be_kept(tmp_path: Path) -> None:
    file = tmp_path / "committed.json"
    other = Figure("ledger", "new", 2.0, "×", "lower")
    commit(Run(quick=False, figures=[FAST, SLOW]), file)
    commit(Run(quick=False, figures=[figure(0.7, FAST), figure(1.2, SLOW), other]), file, keep_worse=True)
    assert read_committed(False, file) == {"ledger": {FAST.name: 0.7, SLOW.name: 1.5, "new": 2.0}}
    commit(Run(quick=False, figures=[figure(0.9, FAST)]), file)
    assert read_committed(False, file) == {"ledger": {FAST.name: 0.9}}


def test_what_has_never_been_committed_can_not_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "read_committed", lambda quick: {"ledger": {FAST.name: FAST.value}})
    monkeypatch.setattr(command, "run", lambda names, quick: Run(quick, [figure(0.5, FAST)]))
    refused = CliRunner().invoke(command.main, ["--check", "ledger", "start"])
    assert refused.exit_code == 2
    assert "nothing is committed to compare with: start" in refused.output
    lost = CliRunner().invoke(command.main, ["--check", "ledger"])
    assert lost.exit_code == 1
    assert "lost: ledger: against the limit: 0.5 ×, committed 0.8 ×" in lost.output


def test_what_the_host_took_away_is_told_of_what_was_wanted() -> None:
    before = Processor(used=1000, stolen=500)
    assert Processor(used=1300, stolen=600).stolen_since(before) == 25
    assert before.stolen_since(before) == 0
    assert Processor.now().used > 0


def test_what_was_measured_is_shown_to_people_documents_and_programs() -> None:
    run = Run(quick=True, figures=[FAST, SLOW, ABSOLUTE], seconds={"ledger": 1.23}, failures={"start": "broken"})
    shown = io.StringIO()
    print_run(run, {"cores": "2"}, Console(file=shown, width=120))
    for text in ("cores 2", "0.8 ×", "≥ 0.6 ×", "yes", "no", "20,000 /s", "start failed: broken"):
        assert text in shown.getvalue()
    assert "| ledger | last tenth against the first | 1.5 × | ≤ 1.3 × | **no** |" in as_markdown(run, {"cores": "2"})
    told = json.loads(json.dumps(as_json(run, {"cores": "2"})))
    assert [each["reached"] for each in told["figures"]] == [True, False, None]
    assert told["failures"] == {"start": "broken"}
