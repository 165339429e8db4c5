"""What is valid, and what it means."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from pathlib import Path

import pytest
from config_folder import CAMPAIGN, Folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from actors.campaign.settings import CampaignSettings, Limits
from actors.errors import ConfigurationError
from actors.outcomes import Outcome
from supervisor.config.load import load
from supervisor.config.problems import ConfigurationFilesError


def test_what_is_not_given_has_the_value_that_is_documented(folder: Folder) -> None:
    snapshot = load(folder.service)
    service = snapshot.service
    assert snapshot.state_directory == Path("/var/lib/campaignd")
    assert snapshot.recordings_store == "file:///var/lib/campaignd/recordings"
    assert snapshot.campaigns_directory == folder.path / "campaigns.d"
    assert (service.service.drain_timeout_s, service.livekit.url) == (60, "http://127.0.0.1:7880")
    assert (service.http.host, service.http.port) == ("127.0.0.1", 9464)
    assert service.breaker.model_dump() == {
        "failure_rate": 0.5,
        "minimum_calls": 5,
        "window_s": 30,
        "open_s": 30,
        "max_open_s": 600,
    }
    assert service.database.dsn is None
    assert service.companies["acme"].recording_slots == 3
    assert service.trunks["main"].calls_per_second is None
    spring = snapshot.campaigns["spring"]
    assert (spring.enabled, spring.mode, spring.call_list) == (True, "conversation", None)
    assert spring.settings == CampaignSettings()


def test_every_table_of_a_campaign_is_read(folder: Folder) -> None:
    folder.add_to_campaign("""
        default_region = "RU"
        [limits]
        calls_per_minute = 10
        [schedule]
        days = ["mon", "sun"]
        start_time = 2026-12-01T00:00:00+03:00
        [retry]
        retry_delay_minutes = 30
        jitter = 0
        [retry.outcomes]
        busy = 5
        no_answer = 0.5
        rejected = "never"
        [call]
        agent_timeout_s = 5
        [recording]
        enabled = true
    """)
    spring = load(folder.service).campaigns["spring"]
    assert spring.limits == Limits(calls_per_minute=10)
    assert spring.schedule.days == ("mon", "sun")
    assert spring.schedule.start_time == datetime(2026, 11, 30, 21, tzinfo=UTC)
    assert spring.retry.outcomes == {Outcome.BUSY: 5, Outcome.NO_ANSWER: 0.5, Outcome.REJECTED: "never"}
    assert all(isinstance(outcome, Outcome) for outcome in spring.retry.outcomes)
    assert spring.settings.recording.enabled
    assert type(spring.settings) is CampaignSettings


def test_relative_paths_are_relative_to_the_services_file(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.path / "lists").mkdir()
    (folder.path / "lists" / "spring.csv").write_text("phone_number\n", encoding="utf-8")
    folder.campaign.rename(folder.path / "spring.toml")
    folder.service.write_text(
        '[service]\nstate_directory = "state"\ncampaigns_directory = "."\n' + folder.service.read_text("utf-8"), "utf-8"
    )
    folder.service.rename(folder.path / "campaignd.conf")
    (folder.path / "spring.toml").write_text(CAMPAIGN + 'call_list = "lists/spring.csv"\n', encoding="utf-8")
    monkeypatch.chdir(folder.path.parent)
    snapshot = load(Path(folder.path.name) / "campaignd.conf")
    assert snapshot.directory == folder.path
    assert snapshot.state_directory == folder.path / "state"
    assert snapshot.recordings_store == f"file://{folder.path}/state/recordings"
    assert snapshot.call_list("spring") == folder.path / "lists" / "spring.csv"


def test_what_editors_leave_behind_is_no_campaign(folder: Folder) -> None:
    for name in (".#spring.toml", ".spring.toml.swp", ".spring.toml", "spring.toml~", "spring.toml.bak", "README"):
        (folder.campaign.parent / name).write_text("not TOML", encoding="utf-8")
    assert list(load(folder.service).campaigns) == ["spring"]


def test_a_byte_order_mark_is_no_mistake(folder: Folder) -> None:
    folder.campaign.write_text(CAMPAIGN, encoding="utf-8-sig")
    assert load(folder.service).campaigns["spring"].name == "Spring renewals"


def test_a_snapshot_cannot_be_changed(folder: Folder) -> None:
    snapshot = load(folder.service)
    with pytest.raises(FrozenInstanceError):
        snapshot.digest = ""  # type: ignore[misc]
    with pytest.raises(TypeError):
        snapshot.campaigns["autumn"] = snapshot.campaigns["spring"]  # type: ignore[index]
    with pytest.raises(ValidationError):
        snapshot.campaigns["spring"].enabled = False


def test_the_digest_tells_whether_any_file_changed(folder: Folder) -> None:
    before = load(folder.service)
    assert load(folder.service) == before
    folder.add_to_campaign("# a remark")
    assert load(folder.service).digest != before.digest
    assert load(folder.service).campaigns == before.campaigns
    folder.campaign.write_text(CAMPAIGN, encoding="utf-8")
    assert load(folder.service).digest == before.digest
    folder.campaign.rename(folder.campaign.with_stem("summer"))
    assert load(folder.service).digest != before.digest


_KEYS = st.sampled_from(
    ["name", "company", "limits", "schedule", "retry", "outcomes", "days", "trunks", "companies", "service", "busy"]
) | st.text(max_size=5)
_VALUES = st.recursive(
    st.sampled_from(["1", "-1", "true", "nan", "1e400", "2026-01-01", "2026-01-01T00:00:00Z", '"\\u0000"', "9" * 30])
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: f"[{', '.join(values)}]")
        | st.tuples(_KEYS, inner).map(lambda pair: f"{{ {pair[0]} = {pair[1]} }}")
    ),
    max_leaves=4,
)
_LINES = (
    st.tuples(_KEYS, _VALUES).map(lambda pair: f"{pair[0]} = {pair[1]}")
    | st.lists(_KEYS, min_size=1, max_size=3).map(lambda keys: f"[{'.'.join(keys)}]")
    | st.text(max_size=20)
)
_GARBAGE = st.lists(_LINES, max_size=8).map("\n".join).map(lambda text: text.encode("utf-8", "replace")) | st.binary(
    max_size=40
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(service=_GARBAGE, campaign=_GARBAGE)
def test_garbage_is_a_configuration_error_and_nothing_worse(folder: Folder, service: bytes, campaign: bytes) -> None:
    folder.service.write_bytes(service)
    folder.campaign.write_bytes(campaign)
    with pytest.raises(ConfigurationError) as caught:
        load(folder.service)
    assert isinstance(caught.value, ConfigurationFilesError)
    # However many mistakes: one printable line for each.
    assert len(str(caught.value).splitlines()) == len(caught.value.problems) > 0
