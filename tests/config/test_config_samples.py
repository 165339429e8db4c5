"""What ships: a valid sample, lists that are worth a demo, and schemas that fit the models."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import rphonenumbers

from actors.errors import CampaignValidationError
from supervisor.config.load import Snapshot, load
from supervisor.config.samples import MOST_CONTACTS, write_demo_configuration
from supervisor.config.schema import SCHEMAS, write_schemas
from supervisor.shipped import shipped_folder

CONFIG = shipped_folder("config")
DEMO_BEGINS = datetime(2026, 12, 1, 10, tzinfo=ZoneInfo("Europe/Moscow"))


def good_numbers(file: Path, region: str | None) -> list[str]:
    """The numbers that an import would take, in order, as E.164."""
    text = file.read_text("utf-8-sig")
    found: dict[str, None] = {}
    for row in csv.DictReader(text.splitlines(), delimiter=";" if ";" in text.splitlines()[0] else ","):
        try:
            number = rphonenumbers.parse(row["phone_number"], region)
        except rphonenumbers.NumberParseException:
            continue
        if rphonenumbers.is_valid_number(number):
            found[rphonenumbers.format_number(number, rphonenumbers.PhoneNumberFormat.E164)] = None
    return list(found)


def numbers(snapshot: Snapshot) -> dict[str, list[str]]:
    lists = {slug: snapshot.call_list(slug) for slug in snapshot.campaigns}
    return {
        slug: good_numbers(file, snapshot.campaigns[slug].default_region)
        for slug, file in lists.items()
        if file is not None
    }


def test_the_shipped_files_are_valid() -> None:
    snapshot = load(CONFIG / "campaignd.toml")
    assert list(snapshot.campaigns) == ["deliveries", "spring", "survey"]
    assert snapshot.service.database.dsn is None


def test_what_the_service_file_has_in_comments_is_valid_too(tmp_path: Path) -> None:
    text, verify = (CONFIG / "campaignd.toml").read_text("utf-8").split("# [verify]\n")
    lines = [line.removeprefix("# ") for line in verify.splitlines()]
    file = tmp_path / "campaignd.toml"
    file.write_text("\n".join([text, "[verify]", *lines]), "utf-8")
    (tmp_path / "campaigns.d").mkdir()
    settings = load(file).service.verify
    assert settings is not None and settings.trunk == "main"


def test_every_shipped_file_names_its_schema() -> None:
    assert (CONFIG / "campaignd.toml").read_text("utf-8").startswith("#:schema ./campaignd.schema.json\n")
    for file in (CONFIG / "campaigns.d").glob("*.toml"):
        assert file.read_text("utf-8").startswith("#:schema ../campaign.schema.json\n")


def test_generating_the_schemas_again_changes_nothing(tmp_path: Path) -> None:
    for file in write_schemas(tmp_path):
        assert file.read_text("utf-8") == (CONFIG / file.name).read_text("utf-8"), "python -m supervisor.config.schema"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_explains_every_key_and_knows_no_null(name: str) -> None:
    schema = json.loads((CONFIG / name).read_text("utf-8"))
    assert "null" not in (CONFIG / name).read_text("utf-8")
    for table in (schema, *(kind for kind in schema["$defs"].values() if kind["type"] == "object")):
        assert table["additionalProperties"] is False
        assert table["description"]


def test_the_lists_hold_a_plausible_mix_and_a_few_bad_rows() -> None:
    found = numbers(load(CONFIG / "campaignd.toml"))
    assert {slug: len(there) for slug, there in found.items()} == {"deliveries": 30, "spring": 36, "survey": 32}
    kinds = Counter(_kind(number) for there in found.values() for number in there)
    assert kinds.keys() >= {"answered", "voicemail", "no_answer", "busy", "rejected", "invalid_number"}
    assert kinds["answered"] > sum(kinds.values()) / 2


def test_the_demo_finds_two_windows_open_and_waits_for_the_third() -> None:
    opens = {}
    for slug, campaign in load(CONFIG / "campaignd.toml").campaigns.items():
        schedule = campaign.schedule
        there = DEMO_BEGINS.astimezone(ZoneInfo(schedule.timezone))
        assert schedule.daily_start_time is not None
        assert schedule.daily_end_time is not None
        assert schedule.days is None or "tue" in schedule.days
        opening = there.combine(there.date(), time.fromisoformat(schedule.daily_start_time), there.tzinfo)
        closing = there.combine(there.date(), time.fromisoformat(schedule.daily_end_time), there.tzinfo)
        assert (closing - there).total_seconds() >= 9 * 3600
        opens[slug] = max(0.0, (opening - there).total_seconds() / 60)
    assert opens == {"deliveries": 0, "spring": 0, "survey": 5}


def test_the_demos_configuration_is_the_shipped_one(tmp_path: Path) -> None:
    file = write_demo_configuration(tmp_path / "demo", None)
    assert file == tmp_path / "demo" / "campaignd.toml"
    assert load(file).digest == load(CONFIG / "campaignd.toml").digest
    assert numbers(load(file)) == numbers(load(CONFIG / "campaignd.toml"))


@pytest.mark.parametrize("contacts", [3, 100, 2000])
def test_the_demos_lists_hold_as_many_good_contacts_as_asked_for(tmp_path: Path, contacts: int) -> None:
    found = numbers(load(write_demo_configuration(tmp_path, contacts)))
    everyone = [number for there in found.values() for number in there]
    assert len(found) == 3
    assert len(everyone) == len(set(everyone)) == contacts
    assert max(map(len, found.values())) - min(map(len, found.values())) <= 1
    if contacts >= 100:
        kinds = Counter(map(_kind, everyone))
        assert 0.6 < kinds["answered"] / contacts < 0.8
        assert len(kinds) > 6


def test_a_hundred_thousand_contacts_have_a_number_each_and_the_same_ones_every_time(tmp_path: Path) -> None:
    rows = []
    for again in ("first", "second"):
        write_demo_configuration(tmp_path / again, 100_001)
        rows.append([file.read_text("utf-8") for file in sorted((tmp_path / again / "lists").glob("*.csv"))])
    assert rows[0] == rows[1]
    there = [line.split(",")[0] for text in rows[0] for line in text.splitlines()[1:]]
    assert len(there) == len(set(there)) == 100_001


def test_a_campaign_without_contacts_is_left_out(tmp_path: Path) -> None:
    write_demo_configuration(tmp_path, 100)
    assert list(numbers(load(write_demo_configuration(tmp_path, 2)))) == ["deliveries", "spring"]


@pytest.mark.parametrize("contacts", [0, -1, MOST_CONTACTS + 1])
def test_an_impossible_number_of_contacts_is_refused(tmp_path: Path, contacts: int) -> None:
    with pytest.raises(CampaignValidationError, match=f"give 1 to {MOST_CONTACTS}"):
        write_demo_configuration(tmp_path / "demo", contacts)
    assert not (tmp_path / "demo").exists()


def _kind(number: str) -> str:
    """What the simulator makes of a number, by its last two digits."""
    digits = int(number[-2:])
    for last, kind in ((69, "answered"), (74, "voicemail"), (79, "no_answer first"), (82, "no_answer")):
        if digits <= last:
            return kind
    for last, kind in ((88, "busy first"), (89, "busy"), (92, "rejected"), (95, "invalid_number")):
        if digits <= last:
            return kind
    return "trouble first"
