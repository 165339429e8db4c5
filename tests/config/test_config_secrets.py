"""Secrets come from the environment or from credentials, and are never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.errors import ConfigurationError
from supervisor.config.secrets import Secrets, load_secrets

ENVIRONMENT = {"LIVEKIT_API_KEY": "APIkey", "LIVEKIT_API_SECRET": "hunter2", "CAMPAIGND_HTTP_TOKEN": "swordfish"}


def test_secrets_come_from_the_environment() -> None:
    secrets = load_secrets(ENVIRONMENT)
    assert secrets == Secrets("APIkey", "hunter2", "swordfish")
    assert secrets.livekit() == ("APIkey", "hunter2")


def test_secrets_come_from_credentials(tmp_path: Path) -> None:
    for name, content in (("livekit_api_key", "APIkey\n"), ("livekit_api_secret", "hunter2"), ("http_token", "s\n")):
        (tmp_path / name).write_text(content, encoding="utf-8")
    folder = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert load_secrets(folder) == Secrets("APIkey", "hunter2", "s")
    assert load_secrets(ENVIRONMENT | folder).http_token == "swordfish"


@pytest.mark.parametrize("environment", [{}, {"LIVEKIT_API_KEY": " "}, {"CREDENTIALS_DIRECTORY": "/nowhere"}])
def test_a_secret_that_is_missing_is_told_when_it_is_needed(environment: dict[str, str]) -> None:
    secrets = load_secrets(environment)
    assert secrets == Secrets()
    with pytest.raises(ConfigurationError) as caught:
        secrets.livekit()
    assert str(caught.value) == (
        "not given in the environment: LIVEKIT_API_KEY (or credential livekit_api_key) "
        "and LIVEKIT_API_SECRET (or credential livekit_api_secret)"
    )


def test_a_credential_that_cannot_be_read_is_told_without_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "http_token").write_bytes(b"hunter2\xff")
    with pytest.raises(ConfigurationError, match="http_token: not UTF-8") as caught:
        load_secrets({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert caught.value.__cause__ is None
    assert "hunter2" not in str(caught.value)


def test_secrets_are_never_shown() -> None:
    secrets = load_secrets(ENVIRONMENT)
    for shown in (repr(secrets), str(secrets), f"{secrets}", repr([secrets]), f"{secrets!r:>10}"):
        assert not any(secret in shown for secret in ENVIRONMENT.values())
    assert repr(Secrets(http_token="x")) == (
        "Secrets(livekit_api_key=not set, livekit_api_secret=not set, http_token=set)"
    )
