"""How fast the product is: benchmarks, not tests.

make bench ARGS="ledger start --quick"
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click
from rich.console import Console

from tests.bench.comparing import commit, losses, read_committed
from tests.bench.conditions import conditions
from tests.bench.registry import BENCHMARKS
from tests.bench.running import run
from tests.bench.showing import as_json, as_markdown, print_run


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)), metavar="[NAME]…")
@click.option(
    "--quick", is_flag=True, help="Small sizes: shows in minutes that everything works, and says little else."
)
@click.option("--json", "form", flag_value="json", help="One JSON object.")
@click.option("--markdown", "form", flag_value="markdown", help="The table as BENCHMARKS.md has it.")
@click.option("--check", is_flag=True, help="Exit 1 when a ratio is worse than the committed one by more than 20 %.")
@click.option(
    "--commit", "committing", flag_value="anew", help="Make the ratios the committed ones (tests/bench/committed.json)."
)
@click.option(
    "--commit-worse", "committing", flag_value="worse", help="Only those that are worse than what is committed."
)
def main(names: Sequence[str], quick: bool, form: str | None, check: bool, committing: str | None) -> None:
    """Measure, and print one table: all benchmarks, or those named. Exit 1 when one of them breaks; a target that is
    not reached is shown, and is no error.

    \b
    Example:
      python -m tests.bench ledger import --quick
    """
    names = names or list(BENCHMARKS)
    committed = read_committed(quick)
    if check and (unknown := [name for name in names if name not in committed]):
        raise click.UsageError(f"nothing is committed to compare with: {', '.join(unknown)}")
    done = run(names, quick)
    if form == "json":
        print(json.dumps(as_json(done, conditions()), ensure_ascii=False, indent=2))
    elif form == "markdown":
        print(as_markdown(done, conditions()), end="")
    else:
        print_run(done, conditions(), Console(width=None if sys.stdout.isatty() else 140))
    lost = list(losses(done.figures, committed)) if check else []
    for sentence in lost:
        click.echo(f"lost: {sentence}", err=True)
    if committing:
        commit(done, keep_worse=committing == "worse")
    sys.exit(1 if lost or done.failures else 0)


if __name__ == "__main__":
    main()
