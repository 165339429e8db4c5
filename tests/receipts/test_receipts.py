"""Receipts: an estimate with every answered call, until the provider says what it charged."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from psycopg.types.json import Jsonb

from actors.campaign.ledger import ClaimedTask
from actors.errors import CallListValidationError
from actors.outcomes import Outcome
from actors.prices import PriceList
from supervisor.cli import main
from supervisor.receipts.importing import import_receipts
from supervisor.report.summary import read_summaries
from tests.campaign.book import COMPLETED, RETRY, Book, result
from tests.world import TUESDAY, World, as_service

PRICES = PriceList("EUR", {"+7": Decimal("0.021")}, Decimal("0.005"), increment_s=1)
TALK = timedelta(seconds=10)  # 0.0085
Run = Callable[..., tuple[int, str]]


class Desk(Book):
    """A book whose trunk has prices."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.connection.execute("INSERT INTO trunk_prices VALUES ('main', %s, %s)", (Jsonb(PRICES.as_json()), TUESDAY))
        self.acme = self.company()
        self.connection.execute("UPDATE companies SET slug = 'acme'")
        self.spring = self.campaign(self.acme)

    def called(self, outcome: Outcome = Outcome.ANSWERED, talk: timedelta | None = TALK) -> ClaimedTask:
        """A contact who was called and, with `talk`, answered."""
        self.task(self.spring)
        (task,) = self.claim(self.spring, 1)
        self.end(task, outcome, talk)
        return task

    def end(self, task: ClaimedTask, outcome: Outcome = Outcome.ANSWERED, talk: timedelta | None = TALK) -> None:
        answered_at = None if talk is None else TUESDAY
        ended = result(
            task, outcome, answered_at=answered_at, ended_at=TUESDAY + (talk or TALK), sip_call_id=f"SCL_{task.attempt}"
        )
        self.settle(self.spring, (ended, RETRY if talk is None else COMPLETED))

    def receipts(self) -> list[tuple[object, ...]]:
        rows = self.read("SELECT call_id, amount, currency, source FROM receipts ORDER BY call_id")
        return [tuple(row.values()) for row in rows]


@pytest.fixture
def desk(dsn: str) -> Iterator[Desk]:
    made = Desk(dsn)
    yield made
    made.close()


@pytest.fixture
def campaignd(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dsn: str, tmp_path: Path) -> Run:
    """Runs a command within this process; its exit code and all it printed."""
    (tmp_path / "campaigns.d").mkdir()
    config = tmp_path / "campaignd.toml"
    config.write_text(f"[database]\ndsn = {json.dumps(as_service(dsn))}\n")

    def run(*arguments: str) -> tuple[int, str]:
        where = [] if "--help" in arguments else ["--config", str(config)]
        monkeypatch.setattr(sys, "argv", ["campaignd", "receipts", *arguments, *where])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out + printed.err

    return run


def charges(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "charges.csv"
    file.write_text(text)
    return file


def test_an_answered_call_gets_its_estimate_when_it_ends(desk: Desk) -> None:
    task = desk.called()
    assert desk.receipts() == [(task.call_id, Decimal("0.0085"), "EUR", "estimate")]
    desk.end(task)
    assert len(desk.receipts()) == 1, "a result that is settled again changes nothing"


def test_who_did_not_answer_costs_nothing(desk: Desk) -> None:
    desk.called(Outcome.NO_ANSWER, talk=None)
    assert desk.receipts() == []


def test_an_abandoned_call_and_a_machine_cost_what_they_lasted(desk: Desk) -> None:
    desk.called(Outcome.AGENT_FAILED)
    desk.called(Outcome.VOICEMAIL)
    assert [receipt[1:] for receipt in desk.receipts()] == [(Decimal("0.0085"), "EUR", "estimate")] * 2


def test_without_a_price_list_there_are_no_estimates(desk: Desk) -> None:
    desk.connection.execute("DELETE FROM trunk_prices")
    desk.called()
    assert desk.receipts() == []


def test_a_call_costs_what_its_own_trunk_takes_though_its_campaign_has_another_by_then(desk: Desk) -> None:
    desk.task(desk.spring)
    (up,) = desk.claim(desk.spring, 1)
    dear = PriceList("USD", {"+7": Decimal("60")})
    desk.connection.execute("INSERT INTO trunk_prices VALUES ('dear', %s, %s)", (Jsonb(dear.as_json()), TUESDAY))
    desk.connection.execute("UPDATE campaigns SET trunk = 'dear'")
    desk.end(up)
    assert desk.receipts() == [(up.call_id, Decimal("0.0085"), "EUR", "estimate")]


def test_what_the_provider_charged_wins_over_the_estimate_whichever_came_first(desk: Desk, tmp_path: Path) -> None:
    early, other = desk.called(), desk.called()
    file = charges(tmp_path, f"call_id,amount,currency\n{early.call_id},0.012345,EUR\n")
    for _ in range(2):  # importing it again changes nothing
        imported = import_receipts(desk.connection, desk.acme, file, None, TUESDAY)
        assert (imported.total, imported.imported, imported.errors) == (1, 1, [])
        assert desk.receipts() == [
            (early.call_id, Decimal("0.012345"), "EUR", "provider"),
            (other.call_id, Decimal("0.0085"), "EUR", "estimate"),
        ]


def test_a_call_is_also_found_by_the_providers_own_id(desk: Desk, tmp_path: Path) -> None:
    task = desk.called()
    file = charges(tmp_path, 'SIP Call ID;Amount\nSCL_1;"0,0123"\n')
    assert import_receipts(desk.connection, desk.acme, file, "USD", TUESDAY).imported == 1
    assert desk.receipts() == [(task.call_id, Decimal("0.0123"), "USD", "provider")]


def test_bad_rows_are_told_and_stop_nothing(desk: Desk, tmp_path: Path) -> None:
    task, theirs = desk.called(), desk.called()
    desk.connection.execute("UPDATE calls SET company_id = %s WHERE id = %s", (desk.company(), theirs.call_id))
    rows = [
        f"{task.call_id},0.01,EUR",
        f"{theirs.call_id},0.01,EUR",
        f"{task.call_id},0.02,EUR",
        ",0.01,EUR",
        f"{task.call_id},1e3,EUR",
        f"{task.call_id},-1,EUR",
        f"{task.call_id},0.0000001,EUR",
        f"{task.call_id},100000000,EUR",
        f"{task.call_id},0.01,euro",
        f"{task.call_id},0.01,",
    ]
    file = charges(tmp_path, "call_id,amount,currency\n" + "\n".join(rows) + "\n")
    imported = import_receipts(desk.connection, desk.acme, file, None, TUESDAY)
    assert (imported.total, imported.imported) == (10, 1)
    assert imported.errors == [
        "Row 3: No call with this call_id",
        "Row 4: Duplicate of row 2",
        "Row 5: Empty call_id",
        "Row 6: Not an amount below 100000000 with up to 6 decimals: 1e3",
        "Row 7: Not an amount below 100000000 with up to 6 decimals: -1",
        "Row 8: Not an amount below 100000000 with up to 6 decimals: 0.0000001",
        "Row 9: Not an amount below 100000000 with up to 6 decimals: 100000000",
        "Row 10: Not a currency's code: EURO",
        "Row 11: Empty currency",
    ]
    assert [receipt[1] for receipt in desk.receipts() if receipt[0] == task.call_id] == [Decimal("0.01")]


def test_a_file_without_the_columns_is_refused_as_a_whole(desk: Desk, tmp_path: Path) -> None:
    file = charges(tmp_path, "number,price\n1,2\n")
    with pytest.raises(CallListValidationError, match="Missing required columns: call_id or sip_call_id, amount"):
        import_receipts(desk.connection, desk.acme, file, "EUR", TUESDAY)


def test_the_report_adds_up_estimates_and_charges_exactly(desk: Desk, tmp_path: Path) -> None:
    tasks = [desk.called() for _ in range(3)]
    file = charges(tmp_path, f"call_id,amount,currency\n{tasks[0].call_id},0.100001,EUR\n")
    import_receipts(desk.connection, desk.acme, file, None, TUESDAY)
    (summary,) = read_summaries(desk.connection, campaign_ids=[desk.spring])
    assert summary.cost.amounts == {"EUR": Decimal("0.117001")}
    assert summary.cost.per_call == summary.cost.per_success == Decimal("0.039000")


def test_the_command_says_what_became_of_each_row(desk: Desk, campaignd: Run, tmp_path: Path) -> None:
    task = desk.called()
    file = str(charges(tmp_path, f"call_id,amount\n{task.call_id},0.01\nnobody,1\n"))
    code, printed = campaignd("import", file, "--company", "acme", "--currency", "eur", "--json")
    assert code == 0
    assert json.loads(printed) == {"total": 2, "imported": 1, "errors": ["Row 3: No call with this call_id"]}
    code, printed = campaignd("import", file, "--company", "acme", "--currency", "EUR")
    assert printed.splitlines() == [
        f"{file}: 2 rows, 1 receipts, 1 not taken",
        "  Row 3: No call with this call_id",
    ]
    code, printed = campaignd("import", file, "--company", "nobody")
    assert (code, printed) == (2, "campaignd: Company nobody not found\n")
    code, printed = campaignd("import", file, "--company", "acme", "--currency", "euro")
    assert (code, printed) == (2, "campaignd: Not a currency's code: 'euro' (such as EUR)\n")


def test_an_amount_may_be_as_large_as_a_receipt_keeps_it_and_end_in_zeros(desk: Desk, tmp_path: Path) -> None:
    large, exact = desk.called(), desk.called()
    file = charges(tmp_path, f"call_id,amount\n{large.call_id},99999999.999999\n{exact.call_id},0.0100000000\n")
    assert import_receipts(desk.connection, desk.acme, file, "EUR", TUESDAY).errors == []
    assert {receipt[1] for receipt in desk.receipts()} == {Decimal("99999999.999999"), Decimal("0.01")}


def test_an_import_shows_how_far_it_is_on_a_terminal_and_nowhere_else(
    desk: Desk, campaignd: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = charges(tmp_path, f"call_id,amount\n{desk.called().call_id},0.01\n")
    arguments = ["import", str(file), "--company", "acme", "--currency", "EUR"]
    assert "━" not in campaignd(*arguments)[1]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert "━" in campaignd(*arguments)[1]


def test_help_has_an_example(campaignd: Run) -> None:
    for command in ([], ["import"]):
        assert "campaignd receipts import" in campaignd(*command, "--help")[1].split("Example:")[1]


def test_the_prices_of_the_file_are_those_that_hold(still_world: World) -> None:
    def kept() -> list[dict[str, object]]:
        still_world.start()
        still_world.stop()
        return [row["prices"] for row in still_world.read("SELECT prices FROM trunk_prices")]

    for rate in ("0.1", "0.25"):
        still_world.limit(trunk=f'prices = {{ currency = "EUR", per_minute = {{ "+7" = "{rate}" }} }}')
        expected = {"currency": "EUR", "per_minute": {"+7": rate}, "connection_fee": "0", "increment_s": 60}
        assert kept() == [expected]
    still_world.limit()
    assert kept() == []


def test_calls_of_the_service_are_estimated_by_the_prices_in_its_file(fast_world: World) -> None:
    numbers = [f"+7945000{n:02d}{n:02d}" for n in range(5)]  # these answer
    fast_world.limit(
        trunk='prices = { currency = "EUR", per_minute = { "+" = "0.5", "+7945" = "0.06" }, increment_s = 1 }'
    )
    fast_world.campaign("spring", numbers)
    fast_world.start()
    fast_world.wait_for_status("spring", "completed", 60)
    rows = fast_world.read(
        "SELECT r.amount, r.currency, r.source, c.ended_at - c.answered_at AS talk"
        " FROM receipts r JOIN calls c ON c.id = r.call_id"
    )
    assert len(rows) == 5
    for row in rows:
        seconds = -(-row["talk"] // timedelta(seconds=1))
        assert (row["amount"], row["currency"], row["source"]) == (Decimal("0.001") * seconds, "EUR", "estimate")
