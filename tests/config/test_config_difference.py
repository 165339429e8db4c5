"""What differs between two configurations, as the log and `campaignd plan` say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.difference import as_far_as_it_can_be, describe, difference
from supervisor.config.load import Snapshot, load
from supervisor.config.samples import write_demo_configuration


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """The service's file of a copy of what ships."""
    return write_demo_configuration(tmp_path / "config", None)


def edited(file: Path, *edits: tuple[str, str, str]) -> Snapshot:
    """The configuration after these edits: file, text, new text."""
    for name, old, new in edits:
        path = file.parent / name
        text = path.read_text()
        assert old in text, (name, old)
        path.write_text(text.replace(old, new, 1))
    return load(file)


def lines(old: Snapshot, new: Snapshot) -> list[str]:
    return [str(change) for change in difference(describe(old), describe(new))]


SPRING = "campaigns.d/spring.toml"
SERVICE = "campaignd.toml"


def test_each_key_that_differs_is_a_line(configuration: Path) -> None:
    old = load(configuration)
    new = edited(
        configuration,
        (SPRING, "calls_per_minute = 30", "calls_per_minute = 20"),
        (SPRING, 'rejected = "never"', "rejected = 60"),
        (SPRING, 'days = ["mon", "tue", "wed", "thu", "fri"]', 'days = ["sat"]'),
        (SERVICE, "max_concurrent_calls = 20 ", "max_concurrent_calls = 25 "),
        (SERVICE, "calls_per_second = 10", ""),
    )
    assert lines(old, new) == [
        "trunk main: calls_per_second 10 → none",
        "company acme: max_concurrent_calls 20 → 25",
        "campaign spring: limits.calls_per_minute 30 → 20",
        'campaign spring: schedule.days ["mon", "tue", "wed", "thu", "fri"] → ["sat"]',
        "campaign spring: retry.outcomes.rejected never → 60.0",
    ]


def test_nothing_differs_from_itself(configuration: Path) -> None:
    assert lines(load(configuration), load(configuration)) == []


def test_what_was_added_and_removed_is_a_line_of_its_own(configuration: Path) -> None:
    old = load(configuration)
    folder = configuration.parent / "campaigns.d"
    (folder / "survey.toml").rename(folder / "autumn.toml")
    assert lines(old, load(configuration)) == [
        "campaign autumn: added",
        "campaign survey: removed; it is held, nothing is deleted",
    ]


def test_keys_that_need_a_restart_are_named_and_stay_in_force_until_then(configuration: Path) -> None:
    old = load(configuration)
    new = edited(
        configuration,
        (SERVICE, "pool_size = 10", "pool_size = 12"),
        (SERVICE, "drain_timeout_s = 60", "drain_timeout_s = 30\nlease_s = 20"),
    )
    assert lines(old, new) == [
        "service: service.drain_timeout_s 60.0 → 30.0",
        "service: service.lease_s 15.0 → 20.0 (needs a restart)",
        "service: database.pool_size 10 → 12 (needs a restart)",
    ]
    in_force = as_far_as_it_can_be(old, new)
    assert in_force.service.database == old.service.database
    assert (in_force.service.service.lease_s, in_force.service.service.drain_timeout_s) == (15, 30)
    assert [change.key for change in difference(describe(in_force), describe(new))] == [
        "service.lease_s", "database.pool_size",
    ]  # fmt: skip


def test_a_long_value_is_cut_and_is_one_line(configuration: Path) -> None:
    old = load(configuration)
    new = edited(configuration, (SPRING, 'description = "Offers', 'description = "A\\nb' + "c" * 200))
    (line,) = lines(old, new)
    assert "\n" not in line and len(line) < 180


PROMPT = "You are a friendly assistant who calls customers of Acme about the renewal of their contracts. "


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (f"{PROMPT}Be short.", f"{PROMPT}Be kind.", "…their contracts. Be short. → …their contracts. Be kind."),
        (f"{PROMPT}Be short.", PROMPT[:-1], "… of their contracts. Be short. → … of their contracts."),
        (PROMPT + "a" * 90, PROMPT + "b" * 90, f"…of their contracts. {'a' * 38}… → …of their contracts. {'b' * 38}…"),
        (f"Dear. {PROMPT}", "Short", "Dear. You are a friendly assistant who calls customers of A… → Short"),
        ("Be short.\nBe kind.", "Be short. Be kind.", r"'Be short.\nBe kind.' → Be short. Be kind."),
    ],
    ids=["at the end", "cut off", "long differences", "at the beginning", "a line break"],
)
def test_a_change_of_a_long_value_shows_where_it_is(old: str, new: str, shown: str) -> None:
    (change,) = difference({"campaign spring": {"name": old}}, {"campaign spring": {"name": new}})
    assert change.what == shown
