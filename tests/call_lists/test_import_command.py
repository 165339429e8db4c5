"""`campaignd import`, as it is run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from import_ledger import Ledger, numbers

from actors.errors import CampaignNotFoundError, CampaignValidationError
from actors.jobs.call_lists.rows import read_rows
from supervisor.cli import main
from supervisor.database.campaigns import find_campaign
from tests.world import as_service

Answer = tuple[int, str, str]
ListOf = Callable[..., Path]

_SERVICE = """
[database]
dsn = "{dsn}"
[livekit]
url = "http://127.0.0.1:7880"
"""
LIST = "phone_number,name\n{0},Ann\n{1},Bob\n{1},Bob\n,Eve\n"


@pytest.fixture
def campaignd(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Runs `campaignd import` on the ledger's database; answers with its exit code, what it said, its errors."""
    (tmp_path / "campaigns.d").mkdir()
    config = tmp_path / "campaignd.toml"
    config.write_text(_SERVICE.format(dsn=as_service(ledger.dsn)))

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr("sys.argv", ["campaignd", "import", "--config", str(config), *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_a_list_is_imported_and_its_bad_rows_are_told(
    ledger: Ledger, campaignd: Callable[..., Answer], list_of: ListOf
) -> None:
    campaign, path = ledger.campaign(), list_of(LIST.format(*numbers(2)))
    code, said, errors = campaignd("spring", path)
    assert (code, errors) == (0, "")
    *summary, cost = said.splitlines()
    assert summary == [
        f"{path}: 4 rows, 2 contacts added, 2 not added",
        "  Row 4: Duplicate of row 3",
        "  Row 5: Empty phone number",
    ]
    assert re.fullmatch(r"4 rows in \d+\.\d s: [\d,]+ rows/s, peak memory \d+ MB", cost)
    assert ledger.numbers(campaign) == numbers(2)


def test_many_bad_rows_do_not_fill_the_screen(
    ledger: Ledger, campaignd: Callable[..., Answer], list_of: ListOf
) -> None:
    ledger.campaign()
    _, said, _ = campaignd("spring", list_of("phone_number,x\n" + ",1\n" * 1000))
    assert len(said.splitlines()) == 53
    assert said.splitlines()[-2].endswith("… and 950 more: --json lists them all")


def test_machines_get_one_object(ledger: Ledger, campaignd: Callable[..., Answer], list_of: ListOf) -> None:
    campaign = ledger.campaign(name="Весна")
    for text in (campaign, str(campaign).upper(), "Весна"):
        code, said, errors = campaignd(text, list_of(LIST.format(*numbers(2))), "--json")
        assert code == 0 and "rows/s" in errors
        result = json.loads(said)
        assert list(result) == ["total", "created", "errors"]
        assert result["total"] == 4 == result["created"] + len(result["errors"])


def test_rejected_rows_are_written_to_a_workbook(
    ledger: Ledger, campaignd: Callable[..., Answer], list_of: ListOf, tmp_path: Path
) -> None:
    ledger.campaign()
    path, out = list_of(LIST.format(*numbers(2))), tmp_path / "rejects.xlsx"
    code, _, _ = campaignd("spring", path, "--rejects", out)
    assert code == 0
    assert [row.cells[:2] for row in read_rows(out)] == [
        ["row", "reason"],
        ["4", "Duplicate of row 3"],
        ["5", "Empty phone number"],
    ]
    code, _, errors = campaignd("spring", path, "--rejects", path)
    assert code == 2 and "this is the call list itself" in errors
    code, _, errors = campaignd("spring", path, "--rejects", tmp_path / "rejects.csv")
    assert (code, errors) == (2, "campaignd: Rejected rows are written as .xlsx, not .csv\n")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("autumn", "list.csv"), "No campaign with the slug, id or name 'autumn'"),
        (("spring", "missing.csv"), "missing.csv: No such file"),
        (("spring", "list.txt"), "Unsupported file format: .txt"),
        (("spring", "bad.csv"), "Missing required columns: phone_number"),
        (("over", "list.csv"), "Campaign is completed"),
        (("spring",), "Missing argument 'FILE'"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    ledger: Ledger, campaignd: Callable[..., Answer], list_of: ListOf, arguments: tuple[str, ...], why: str
) -> None:
    ledger.campaign()
    ledger.campaign("over", status="completed")
    folder = list_of("phone_number\n").parent
    list_of("phone_number\n", "list.txt")
    list_of("name\n", "bad.csv")
    code, said, errors = campaignd(*arguments[:1], *(folder / file for file in arguments[1:]))
    assert (code, said) == (2, "")
    assert why in errors and "Traceback" not in errors


def test_a_campaign_is_found_by_slug_id_or_name(ledger: Ledger) -> None:
    spring, nameless = ledger.campaign("spring", name="Spring"), ledger.campaign(None, name="By hand")
    assert find_campaign(ledger.connection, "spring") == spring
    assert find_campaign(ledger.connection, "Spring") == spring
    assert find_campaign(ledger.connection, str(nameless)) == nameless
    assert find_campaign(ledger.connection, "By hand") == nameless
    for text in ("SPRING", "", "%", "' OR true --"):
        with pytest.raises(CampaignNotFoundError):
            find_campaign(ledger.connection, text)


def test_a_slug_comes_before_the_same_name(ledger: Ledger) -> None:
    ledger.campaign("one", name="spring")
    spring = ledger.campaign("spring", name="Spring")
    assert find_campaign(ledger.connection, "spring") == spring


def test_a_name_of_several_campaigns_names_their_ids(ledger: Ledger) -> None:
    campaigns = [ledger.campaign(slug, name="Spring") for slug in ("one", "two")]
    with pytest.raises(CampaignValidationError) as refused:
        find_campaign(ledger.connection, "Spring")
    assert all(str(campaign) in str(refused.value) for campaign in campaigns)
